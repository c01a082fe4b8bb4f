/**
 * Contents of files on sockets of their own, without a message around each piece: gRPC's streams are made for messages, and
 * cost a large file three times what it costs to copy it. Who is asked for a content gives a ticket; whoever connects and
 * writes it gets the bytes, as fast as he takes them.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { FILE_LINE_TICKET_MS } from '../bounds.ts';
import type { Component } from '../component.ts';
import type { Deadline } from '../deadline.ts';
import { MillraceError } from '../errors.ts';

const TICKET_BYTES = 18;
/** In base64url. */
export const TICKET_LENGTH = 24;
const UNIX = 'unix:';

interface Waiting {
  readonly take: (socket: Socket) => void;
}

/** Listens for those who come for contents. */
export class ContentLine implements Component {
  readonly name = 'content-line';
  readonly address: string;
  readonly #close: () => Promise<void>;
  readonly #waiting: Map<string, Waiting>;

  private constructor(address: string, waiting: Map<string, Waiting>, close: () => Promise<void>) {
    this.address = address;
    this.#waiting = waiting;
    this.#close = close;
  }

  /** @param address  host:port or unix:/path, as those who come know it; port 0: a free one */
  static async open(address: string): Promise<ContentLine> {
    const waiting = new Map<string, Waiting>();
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      admit(socket, waiting);
    });
    const where = socketAddress(address);
    // A socket of one that was killed is in the way.
    if ('path' in where) rmSync(where.path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(where, resolve);
    });
    const bound = server.address();
    const isFreePort = typeof bound === 'object' && bound !== null && 'port' in where;
    const known = isFreePort ? `${where.host}:${bound.port}` : address;
    return new ContentLine(known, waiting, async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    });
  }

  /**
   * @param pieces  each is used until the next but one is asked for
   * @returns the ticket, and a promise that resolves when all was taken. @throws MillraceError by it: whatever the pieces
   *   throw; `cancelled` where nobody came, or he went
   */
  give(
    pieces: AsyncIterator<Uint8Array>,
    deadline: Deadline,
  ): { readonly ticket: string; readonly taken: Promise<void> } {
    const ticket = randomBytes(TICKET_BYTES).toString('base64url');
    const socket = new Promise<Socket>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(late);
        forget();
        this.#waiting.delete(ticket);
      };
      const late = setTimeout(() => {
        end();
        reject(gone());
      }, FILE_LINE_TICKET_MS);
      const forget = deadline.onAbort(() => {
        clearTimeout(late);
        this.#waiting.delete(ticket);
        reject(deadline.reason);
      });
      const take = (taken: Socket): void => {
        end();
        resolve(taken);
      };
      this.#waiting.set(ticket, { take });
    });
    const taken = socket.then((open) => pour(pieces, open, deadline));
    // What it says is said when it is waited for.
    taken.catch(() => {});
    return { ticket, taken };
  }

  async drain(): Promise<void> {}

  close(): Promise<void> {
    return this.#close();
  }
}

/** As net.connect and listen want it. */
export function socketAddress(address: string): { path: string } | { host: string; port: number } {
  if (address.startsWith(UNIX)) return { path: address.slice(UNIX.length) };
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}

/** The ticket is all that he has to say. */
function admit(socket: Socket, waiting: Map<string, Waiting>): void {
  let said = '';
  const late = setTimeout(() => socket.destroy(), FILE_LINE_TICKET_MS);
  socket.on('close', () => clearTimeout(late));
  socket.on('data', (bytes) => {
    said += bytes.toString('latin1', 0, TICKET_LENGTH + 1);
    if (said.length < TICKET_LENGTH) return;
    clearTimeout(late);
    socket.removeAllListeners('data');
    const wanted = waiting.get(said);
    if (wanted) wanted.take(socket);
    else socket.destroy();
  });
}

/** Reads the next piece while one is written. */
async function pour(pieces: AsyncIterator<Uint8Array>, socket: Socket, deadline: Deadline): Promise<void> {
  const forget = deadline.onAbort(() => socket.destroy());
  let reading: Promise<IteratorResult<Uint8Array>> | undefined;
  try {
    let next = await pieces.next();
    while (!next.done) {
      const piece = next.value;
      reading = pieces.next();
      // Of a write that fails its own error is thrown.
      reading.catch(() => {});
      await written(socket, piece);
      next = await reading;
    }
    await new Promise<void>((resolve) => socket.end(resolve));
  } catch (error) {
    socket.destroy();
    throw deadline.reason ?? error;
  } finally {
    forget();
    await reading?.catch(() => {});
    await pieces.return?.();
  }
}

function written(socket: Socket, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) return reject(gone());
    socket.once('close', onClose);
    function onClose(): void {
      reject(gone());
    }
    socket.write(piece, (error) => {
      socket.off('close', onClose);
      if (error) reject(gone());
      else resolve();
    });
  });
}

const gone = (): MillraceError => new MillraceError('cancelled', 'Nobody takes the content.');
