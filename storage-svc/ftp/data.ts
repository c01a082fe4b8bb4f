/** The connection that one file travels on: we connect to the server, or it connects to us. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Client } from 'basic-ftp';
import { TOO_SLOW, unavailable } from '../failures.ts';
import { replyOf } from './errors.ts';

export interface Prepared {
  /** Of what is sent when the server has been told to. */
  data(): Promise<Socket>;
  cancel(): void;
}

/** The address that a server names is not looked at: files go where the commands go. */
export async function connectToServer(client: Client): Promise<Prepared> {
  const port = (await extendedPort(client)) ?? (await plainPort(client));
  const raw = connect({ host: client.ftp.socket.remoteAddress ?? '', port });
  raw.on('error', () => {}); // told where it is read or written
  const timer = setTimeout(() => raw.destroy(unavailable(TOO_SLOW)), client.ftp.timeout);
  try {
    await once(raw, 'connect');
  } finally {
    clearTimeout(timer);
  }
  return { data: async () => secured(client, raw), cancel: () => raw.destroy() };
}

/** Servers that know it say `229 Entering Extended Passive Mode (|||6446|)`. */
async function extendedPort(client: Client): Promise<number | undefined> {
  try {
    const { message } = await client.send('EPSV');
    return Number(/[|!]{3}(\d+)[|!]/.exec(message)?.[1]) || undefined;
  } catch (error) {
    if (replyOf(error) === undefined) throw error;
    return undefined;
  }
}

/** `227 Entering Passive Mode (192,168,1,100,10,229)` */
async function plainPort(client: Client): Promise<number> {
  const { message } = await client.send('PASV');
  const [, high, low] = /\d+,\d+,\d+,\d+,(\d+),(\d+)/.exec(message) ?? [];
  if (high === undefined || low === undefined) throw unavailable('The storage does not understand us.');
  return Number(high) * 256 + Number(low);
}

export async function letServerConnect(client: Client): Promise<Prepared> {
  const { localAddress = '', remoteAddress, localFamily } = client.ftp.socket;
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, localAddress);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const came = new Promise<Socket>((resolve, reject) => {
    const timer = setTimeout(() => reject(unavailable(TOO_SLOW)), client.ftp.timeout);
    server.on('connection', (socket) => {
      socket.on('error', () => {}); // told where it is read or written
      // Anybody might come in.
      if (socket.remoteAddress !== remoteAddress) return socket.destroy();
      clearTimeout(timer);
      server.close();
      resolve(socket);
    });
    server.once('close', () => clearTimeout(timer));
  });
  came.catch(() => {}); // met where it is awaited
  const cancel = (): void => {
    server.close();
    came.then((socket) => socket.destroy()).catch(() => {});
  };
  try {
    const isV6 = localFamily === 'IPv6' && !localAddress.startsWith('::ffff:');
    const plain = localAddress.replace(/^::ffff:/, '');
    const bytes = [...plain.split('.'), port >> 8, port & 255].join(',');
    await client.send(isV6 ? `EPRT |2|${plain}|${port}|` : `PORT ${bytes}`);
  } catch (error) {
    cancel();
    throw error;
  }
  return { data: async () => secured(client, await came), cancel };
}

/** Servers want the session of the first connection again: whoever has it is who signed in. */
function secured(client: Client, raw: Socket): Socket {
  if (!client.ftp.hasTLS) return raw;
  const session = client.ftp.tlsSessionStore ?? (client.ftp.socket as TLSSocket).getSession();
  const socket = connectTls({ ...client.ftp.tlsOptions, socket: raw, ...(session && { session }) });
  socket.on('session', (next) => {
    client.ftp.tlsSessionStore = next;
  });
  socket.on('error', () => {}); // told where it is read or written
  return socket;
}
