/**
 * Unary gRPC calls on one connection, with as little work as they take: what wrk is for HTTP/1.1. It knows one server
 * (ours, on loopback) and one kind of call: a small message each way.
 */
import { connect, type Socket } from 'node:net';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const FRAME_HEAD_BYTES = 9;
/** In front of each message of gRPC: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;
const WINDOW_BYTES = 0x40000000;

/** RFC 9113 §6. */
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const ACK = 0x1;
const END_STREAM = 0x1;
const END_HEADERS = 0x4;

const INITIAL_WINDOW_SIZE = 4;

interface Waiting {
  readonly resolve: (message: Buffer) => void;
  readonly reject: (error: Error) => void;
  data: Buffer;
}

export class Http2Caller {
  readonly #socket: Socket;
  readonly #head: Buffer;
  readonly #waiting = new Map<number, Waiting>();
  #lastStream = -1;
  #unread: Buffer = Buffer.alloc(0);
  /** Bytes of DATA that the window was not opened for again. */
  #taken = 0;

  /** @param method  `/package.Service/Method` */
  constructor(host: string, port: number, method: string) {
    this.#head = headerBlock(`${host}:${port}`, method);
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('data', (bytes) => this.#receive(bytes));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('The connection was closed.')));
    const setting = Buffer.alloc(6);
    setting.writeUInt16BE(INITIAL_WINDOW_SIZE);
    setting.writeUInt32BE(WINDOW_BYTES, 2);
    this.#socket.write(Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS, 0, 0, setting), opened(WINDOW_BYTES)]));
  }

  /** @returns the message of the answer; empty where the call failed */
  call(message: Uint8Array): Promise<Buffer> {
    this.#lastStream += 2;
    const stream = this.#lastStream;
    const body = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
    body[0] = 0;
    body.writeUInt32BE(message.length, 1);
    body.set(message, PREFIX_BYTES);
    // What is asked in one turn leaves together.
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
      setImmediate(() => this.#socket.uncork());
    }
    this.#socket.write(frame(HEADERS, END_HEADERS, stream, this.#head));
    this.#socket.write(frame(DATA, END_STREAM, stream, body));
    return new Promise((resolve, reject) => {
      this.#waiting.set(stream, { resolve, reject, data: Buffer.alloc(0) });
    });
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    const all = this.#unread.length > 0 ? Buffer.concat([this.#unread, bytes]) : bytes;
    let at = 0;
    while (all.length - at >= FRAME_HEAD_BYTES) {
      const end = at + FRAME_HEAD_BYTES + all.readUIntBE(at, 3);
      if (end > all.length) break;
      const [type = 0, flags = 0] = [all[at + 3], all[at + 4]];
      const stream = all.readUInt32BE(at + 5);
      this.#take(type, flags, stream, all.subarray(at + FRAME_HEAD_BYTES, end));
      at = end;
    }
    this.#unread = all.subarray(at);
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === SETTINGS && !(flags & ACK)) this.#socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
    else if (type === PING && !(flags & ACK)) this.#socket.write(frame(PING, ACK, 0, payload));
    else if (type === GOAWAY) this.#fail(new Error('The server goes away.'));
    else if (type === RST_STREAM) this.#waiting.get(stream)?.reject(new Error('The call was reset.'));
    else if (type === DATA) this.#add(stream, payload);
    if ((type === DATA || type === HEADERS) && flags & END_STREAM) {
      const waiting = this.#waiting.get(stream);
      this.#waiting.delete(stream);
      waiting?.resolve(waiting.data.subarray(PREFIX_BYTES));
    }
  }

  #add(stream: number, payload: Buffer): void {
    const waiting = this.#waiting.get(stream);
    if (waiting) waiting.data = waiting.data.length > 0 ? Buffer.concat([waiting.data, payload]) : payload;
    this.#taken += payload.length;
    if (this.#taken < WINDOW_BYTES / 2) return;
    this.#socket.write(opened(this.#taken));
    this.#taken = 0;
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEAD_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, FRAME_HEAD_BYTES);
  return bytes;
}

function opened(bytes: number): Buffer {
  const increment = Buffer.alloc(4);
  increment.writeUInt32BE(bytes);
  return frame(WINDOW_UPDATE, 0, 0, increment);
}

/** Headers of a call in HPACK (RFC 7541): of the static table, or literal, so that each call has the same bytes. */
function headerBlock(authority: string, path: string): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  return Buffer.concat([
    Buffer.from([0x83, 0x86, 0x01]), // :method POST, :scheme http, :authority
    text(authority),
    Buffer.from([0x04]), // :path
    text(path),
    Buffer.from([0x0f, 0x10]), // content-type
    text('application/grpc'),
    Buffer.from([0x00]),
    text('te'),
    text('trailers'),
  ]);
}
