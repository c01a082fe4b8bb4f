/** Frontend messages of the PostgreSQL protocol, gathered in one buffer and sent by one write per turn. */
import type { Param } from '../statement.ts';

const INITIAL_BYTES = 16 * 1024;

export class MessageWriter {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #at = 0;

  get empty(): boolean {
    return this.#at === 0;
  }

  /** What was gathered; the writer starts anew. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(0, this.#at);
    // The socket may hold on to it: never write into it again.
    this.#buffer = Buffer.allocUnsafe(Math.max(INITIAL_BYTES, Math.min(this.#at * 2, 1024 * 1024)));
    this.#at = 0;
    return bytes;
  }

  parse(name: string, text: string): void {
    const start = this.#begin(0x50, name.length + text.length * 3 + 8);
    this.#cstring(name);
    this.#cstring(text);
    this.#int16(0);
    this.#finish(start);
  }

  /** Unnamed portal, all parameters and results as text; bytes as binary. */
  bind(statement: string, params: readonly Param[], portal = ''): void {
    const start = this.#begin(0x42, statement.length + portal.length + params.length * 2 + 32);
    this.#cstring(portal);
    this.#cstring(statement);
    const binary = params.some((param) => param instanceof Uint8Array);
    this.#int16(binary ? params.length : 0);
    if (binary) for (const param of params) this.#int16(param instanceof Uint8Array ? 1 : 0);
    this.#int16(params.length);
    for (const param of params) this.#param(param);
    this.#int16(0);
    this.#finish(start);
  }

  execute(portal = '', rowsMax = 0): void {
    const start = this.#begin(0x45, portal.length + 8);
    this.#cstring(portal);
    this.#int32(rowsMax);
    this.#finish(start);
  }

  /** All of what a COPY reads, and its end. */
  copy(input: string): void {
    const start = this.#begin(0x64, Buffer.byteLength(input));
    this.#at += this.#buffer.write(input, this.#at);
    this.#finish(start);
    this.#finish(this.#begin(0x63, 0));
  }

  closeStatement(name: string): void {
    const start = this.#begin(0x43, name.length + 4);
    this.#buffer[this.#at++] = 0x53;
    this.#cstring(name);
    this.#finish(start);
  }

  sync(): void {
    this.#finish(this.#begin(0x53, 0));
  }

  flush(): void {
    this.#finish(this.#begin(0x48, 0));
  }

  #param(param: Param): void {
    if (param === null) return this.#int32(-1);
    if (param instanceof Uint8Array) {
      this.#room(param.length + 4);
      this.#int32(param.length);
      this.#buffer.set(param, this.#at);
      this.#at += param.length;
      return;
    }
    const text = typeof param === 'string' ? param : String(param);
    this.#room(text.length * 3 + 4);
    const length = this.#buffer.write(text, this.#at + 4);
    this.#buffer.writeInt32BE(length, this.#at);
    this.#at += length + 4;
  }

  #begin(type: number, room: number): number {
    this.#room(room + 5);
    this.#buffer[this.#at] = type;
    this.#at += 5;
    return this.#at - 4;
  }

  #finish(start: number): void {
    this.#buffer.writeInt32BE(this.#at - start, start);
  }

  #cstring(text: string): void {
    this.#at += this.#buffer.write(text, this.#at);
    this.#buffer[this.#at++] = 0;
  }

  #int16(value: number): void {
    this.#room(2);
    this.#at = this.#buffer.writeInt16BE(value > 0x7fff ? value - 0x10000 : value, this.#at);
  }

  #int32(value: number): void {
    this.#room(4);
    this.#at = this.#buffer.writeInt32BE(value, this.#at);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }
}
