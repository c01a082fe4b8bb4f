/**
 * Contents of files on sockets of their own, without a message around each piece: gRPC's streams are made for messages, and
 * cost a large file three times what it costs to copy it. A ticket tells which content a socket is for: it is the first that
 * is written on it, by whoever connects. The bytes follow, one way or the other, as fast as they are taken.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { FILE_LINE_PIECE_BYTES, FILE_LINE_TICKET_MS, FILE_LINES_EARLY_MAX } from '../bounds.ts';
import type { Deadline } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { PieceReader, readAccepted } from './piece-reader.ts';

const RANDOM_BYTES = 18;
const TICKET_LENGTH = 25;
const UNIX = 'unix:';

/** A socket whose ticket was read, and what came behind that. */
interface Comer {
  readonly socket: Socket;
  readonly reader: PieceReader;
  readonly rest: Uint8Array;
}

/** `r`: the one who connects reads; `w`: he writes. Nobody guesses one. */
export const newTicket = (way: 'r' | 'w'): string => way + randomBytes(RANDOM_BYTES).toString('base64url');

/** As net.connect and listen want it. */
export function socketAddress(address: string): { path: string } | { host: string; port: number } {
  if (address.startsWith(UNIX)) return { path: address.slice(UNIX.length) };
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}

/** Listens for those who come with tickets. */
export class ContentLine {
  /** As those who come know it. */
  readonly address: string;
  readonly #close: () => Promise<void>;
  readonly #meetings: Meetings;

  private constructor(address: string, meetings: Meetings, close: () => Promise<void>) {
    this.address = address;
    this.#meetings = meetings;
    this.#close = close;
  }

  /** @param address  host:port or unix:/path; port 0: a free one */
  static async open(address: string): Promise<ContentLine> {
    const meetings = new Meetings();
    const sockets = new Set<Socket>();
    const server = createServer({ pauseOnConnect: true }, (accepted) => {
      const reader = new PieceReader(TICKET_LENGTH);
      const socket = readAccepted(accepted, reader);
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      void admit(socket, reader, meetings);
    });
    const where = socketAddress(address);
    // A socket of one that was killed is in the way.
    if ('path' in where) rmSync(where.path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(where, resolve);
    });
    const bound = server.address();
    const isPort = typeof bound === 'object' && bound !== null && 'port' in where;
    return new ContentLine(isPort ? `${where.host}:${bound.port}` : address, meetings, async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    });
  }

  /**
   * Gives a content to whoever comes for it.
   * @param pieces  each is used until the next but one is asked for
   * @returns the ticket, and a promise that resolves when all was taken. @throws MillraceError by it: whatever the pieces
   *   throw; `cancelled` where nobody came, or he went
   */
  give(
    pieces: AsyncIterator<Uint8Array>,
    deadline: Deadline,
  ): { readonly ticket: string; readonly taken: Promise<void> } {
    const ticket = newTicket('r');
    const comer = this.#meetings.await(ticket, deadline);
    const taken = comer.then(({ socket }) => pour(pieces, socket, deadline));
    // What it says is said when it is waited for.
    taken.catch(() => {});
    return { ticket, taken };
  }

  /**
   * The content that somebody brings with this ticket. A piece is good until the next one is asked for.
   * @throws MillraceError while it is gone through: `cancelled` where nobody comes, or he goes before he has said that it is all
   */
  async *take(ticket: string, deadline: Deadline): AsyncGenerator<Uint8Array> {
    const { socket, reader, rest } = await this.#meetings.await(ticket, deadline);
    const forget = deadline.onAbort(() => socket.destroy());
    try {
      reader.grow(FILE_LINE_PIECE_BYTES);
      if (rest.length > 0) yield rest;
      for (let piece = await reader.next(); piece; piece = await reader.next()) yield piece;
      if (!reader.hasEnded) throw deadline.reason ?? gone();
    } finally {
      forget();
      socket.destroy();
    }
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/** Those who wait for a ticket, and those who came with one before anybody waited for it. */
class Meetings {
  readonly #waiting = new Map<string, (comer: Comer) => void>();
  readonly #early = new Map<string, Comer>();

  /** @throws MillraceError cancelled, or the reason of the deadline */
  await(ticket: string, deadline: Deadline): Promise<Comer> {
    const early = this.#early.get(ticket);
    if (early) {
      this.#early.delete(ticket);
      return Promise.resolve(early);
    }
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(late);
        this.#waiting.delete(ticket);
      };
      const late = setTimeout(() => {
        end();
        forget();
        reject(gone());
      }, FILE_LINE_TICKET_MS);
      const forget = deadline.onAbort(() => {
        end();
        reject(deadline.reason);
      });
      this.#waiting.set(ticket, (comer) => {
        end();
        forget();
        resolve(comer);
      });
    });
  }

  /** Who brings something may be here before the call that says so; for others there is nothing. */
  come(ticket: string, comer: Comer): void {
    const wanted = this.#waiting.get(ticket);
    if (wanted) return wanted(comer);
    const { socket } = comer;
    if (!ticket.startsWith('w') || this.#early.size >= FILE_LINES_EARLY_MAX) return void socket.destroy();
    this.#early.set(ticket, comer);
    const late = setTimeout(() => {
      if (this.#early.delete(ticket)) socket.destroy();
    }, FILE_LINE_TICKET_MS);
    socket.on('close', () => {
      clearTimeout(late);
      this.#early.delete(ticket);
    });
  }
}

/** Reads the ticket. */
async function admit(socket: Socket, reader: PieceReader, meetings: Meetings): Promise<void> {
  const late = setTimeout(() => socket.destroy(), FILE_LINE_TICKET_MS);
  socket.on('close', () => clearTimeout(late));
  let said = '';
  while (said.length < TICKET_LENGTH) {
    const piece = await reader.next();
    if (!piece) return void socket.destroy();
    const taken = TICKET_LENGTH - said.length;
    said += Buffer.from(piece.buffer, piece.byteOffset, Math.min(taken, piece.length)).toString('latin1');
    if (said.length === TICKET_LENGTH) {
      clearTimeout(late);
      return meetings.come(said, { socket, reader, rest: piece.subarray(taken) });
    }
  }
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

/** Resolves when the kernel has all of it. @throws MillraceError cancelled */
export function written(socket: Socket, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) return reject(gone());
    const onClose = (): void => reject(gone());
    socket.once('close', onClose);
    socket.write(piece, (error) => {
      socket.off('close', onClose);
      if (error) reject(gone());
      else resolve();
    });
  });
}

const gone = (): MillraceError => new MillraceError('cancelled', 'The other end of the content is gone.');
