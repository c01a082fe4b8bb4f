/**
 * A file on its way: a connection of its own, and the server's word on the first one that all has arrived. The driver's
 * own transfers push into a stream; these are pulled, and know the server that connects to us.
 */
import type { Socket } from 'node:net';
import type { Client, FTPResponse } from 'basic-ftp';
import { TOO_SLOW, unavailable } from '../failures.ts';
import { connectToServer, letServerConnect } from './data.ts';

/** A server that is told to stop in the middle of a file has so long to say that it did. */
const STOP_MS = 2000;

export interface Transfer {
  /** What the server said when it began. */
  readonly announced: string;
  readonly data: Socket;
  /** The server's last word; rejects with an error of the driver. */
  readonly finished: Promise<FTPResponse>;
}

/** @param command  `RETR` and the like; @param before  sent between the preparation and it */
export async function beginTransfer(
  client: Client,
  command: string,
  isPassive: boolean,
  before?: string,
): Promise<Transfer> {
  const connected = await (isPassive ? connectToServer : letServerConnect)(client);
  try {
    if (before !== undefined) await client.send(before);
    const { started, finished } = commanded(client, command);
    const { message: announced } = await started;
    const data = await connected.data();
    // While files are on their way nothing is said on the other connection.
    client.ftp.socket.setTimeout(0);
    finished.catch((error: Error) => data.destroy(error));
    return { announced, data, finished };
  } catch (error) {
    connected.cancel();
    throw error;
  }
}

interface Commanded {
  readonly started: Promise<FTPResponse>;
  readonly finished: Promise<FTPResponse>;
}

function commanded(client: Client, command: string): Commanded {
  let begin = (_: FTPResponse): void => {};
  let refuse = (_: unknown): void => {};
  const started = new Promise<FTPResponse>((resolve, reject) => {
    begin = resolve;
    refuse = reject;
  });
  const finished = client.ftp.handle(command, (answer, task) => {
    if (answer instanceof Error) {
      refuse(answer);
      task.reject(answer);
    } else if (answer.code < 200) begin(answer);
    else {
      begin(answer); // servers that have nothing to send may say no more than this
      task.resolve(answer);
    }
  }) as Promise<FTPResponse>;
  finished.catch(() => {}); // met where it is awaited
  return { started, finished };
}

/** All that comes, as it is pulled. @throws where the server is silent for too long, or does not say that it was all */
export async function* received(transfer: Transfer, client: Client): AsyncGenerator<Buffer> {
  const pieces = transfer.data[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (;;) {
    const next = await soon(orTold(pieces.next(), transfer), client);
    if (next.done) break;
    yield next.value;
  }
  await soon(transfer.finished, client);
}

export async function sent(transfer: Transfer, body: AsyncIterable<Uint8Array>, client: Client): Promise<void> {
  const { data, finished } = transfer;
  data.resume(); // its end is seen only where somebody reads
  for await (const piece of body) {
    if (piece.length > 0) await soon(orTold(flushed(data, piece), transfer), client);
  }
  await soon(orTold(ended(data), transfer), client);
  await soon(finished, client);
}

/**
 * Why one connection breaks is told on the other one. It is asked when that happens only: with each piece of a file there
 * would be something more that waits for its end.
 */
async function orTold<T>(work: Promise<T>, { finished }: Transfer): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const silent = new Promise<void>((resolve) => setTimeout(resolve, STOP_MS).unref());
    await Promise.race([finished, silent]);
    throw error;
  }
}

const ended = (socket: Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.end(resolve);
  });

function flushed(socket: Socket, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(piece, (error) => (error ? reject(error) : resolve()));
  });
}

/** Leaves a file in its middle. The connection serves on where the server says soon that it has stopped. */
export async function abandon({ data, finished }: Transfer, client: Client): Promise<void> {
  data.destroy();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      client.close();
      resolve();
    }, STOP_MS);
  });
  await Promise.race([finished.catch(() => {}), late]);
  clearTimeout(timer);
}

/** @throws where it takes longer than the server may be silent; the connection is then of no use */
async function soon<T>(work: Promise<T>, client: Client): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      client.close();
      reject(unavailable(TOO_SLOW));
    }, client.ftp.timeout);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
