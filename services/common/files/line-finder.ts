/** Where a replica of the storage tier takes contents beside its calls, and sockets to it. */
import { connect, type Socket } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { type FileStore, FindLineRequestSchema } from '#proto/files/v1/files_pb.ts';
import type { Channel } from '../grpc/channel.ts';
import { newTicket, socketAddress } from './content-line.ts';

const FIND_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** A replica that has none, or could not be asked, may come back with one. */
const ASK_AGAIN_MS = 10_000;

export interface OpenedLine {
  readonly socket: Socket;
  readonly ticket: string;
}

export class LineFinder {
  readonly #channel: Channel<typeof FileStore>;
  #known: { readonly address: Promise<string>; readonly until: number } | undefined;

  constructor(channel: Channel<typeof FileStore>) {
    this.#channel = channel;
  }

  /** A socket for what shall be written, its ticket said; undefined: there is no line, or it cannot be reached. */
  async open(): Promise<OpenedLine | undefined> {
    const address = await this.#address();
    if (address === '') return undefined;
    const socket = await connected(address);
    if (!socket) {
      this.#known = undefined;
      return undefined;
    }
    const ticket = newTicket('w');
    socket.write(ticket);
    return { socket, ticket };
  }

  #address(): Promise<string> {
    if (!this.#known || this.#known.until < Date.now()) {
      const asked = this.#channel.call('findLine', create(FindLineRequestSchema), FIND_TIMEOUT_MS);
      const address = asked.then(
        (reply) => reply.address,
        () => '',
      );
      this.#known = { address, until: Date.now() + ASK_AGAIN_MS };
    }
    return this.#known.address;
  }
}

function connected(address: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(socketAddress(address));
    const end = (found: Socket | undefined): void => {
      clearTimeout(late);
      if (!found) socket.destroy();
      resolve(found);
    };
    const late = setTimeout(() => end(undefined), CONNECT_TIMEOUT_MS);
    socket.once('connect', () => end(socket));
    // What breaks later is seen by whoever writes.
    socket.on('error', () => end(undefined));
  });
}
