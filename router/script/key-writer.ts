/** Keys as bytes, one after the other in the same memory: equal ones were written from equal parts. */
const PART_BYTES = 4;
/** Of UTF-8, for a unit of UTF-16. */
const UNIT_BYTES_MAX = 3;

export interface Key {
  /** What comes first of them is the key. */
  readonly bytes: Buffer;
  readonly length: number;
  /** Of 32 bits. */
  readonly hash: number;
}

export class KeyWriter {
  readonly #bytes: Buffer;
  readonly #words: Int32Array;
  #at = 0;
  #isTooLong = false;

  /** @param lengthMax  bytes, a multiple of 4 */
  constructor(lengthMax: number) {
    const memory = new ArrayBuffer(lengthMax);
    this.#bytes = Buffer.from(memory);
    this.#words = new Int32Array(memory);
  }

  begin(): void {
    this.#at = 0;
    this.#isTooLong = false;
  }

  number(value: number): void {
    if (!this.#hasRoomFor(0)) return;
    this.#bytes.writeInt32LE(value | 0, this.#at);
    this.#at += PART_BYTES;
  }

  text(value: string): void {
    if (!this.#hasRoomFor(value.length * UNIT_BYTES_MAX)) return;
    const length = value === '' ? 0 : this.#bytes.write(value, this.#at + PART_BYTES);
    this.#bytes.writeUInt32LE(length, this.#at);
    this.#at += PART_BYTES + length;
  }

  bytes(value: Uint8Array): void {
    if (!this.#hasRoomFor(value.length)) return;
    this.#bytes.writeUInt32LE(value.length, this.#at);
    this.#bytes.set(value, this.#at + PART_BYTES);
    this.#at += PART_BYTES + value.length;
  }

  /** Counts until the next `begin`; undefined: the parts are too long for a key. */
  end(): Key | undefined {
    if (this.#isTooLong) return undefined;
    while (this.#at % PART_BYTES !== 0) this.#bytes[this.#at++] = 0;
    return { bytes: this.#bytes, length: this.#at, hash: this.#hash() };
  }

  /** As MurmurHash3 mixes its words. */
  #hash(): number {
    let hash = 0;
    const words = this.#at / PART_BYTES;
    for (let at = 0; at < words; at++) {
      let word = Math.imul(this.#words[at] as number, 0xcc9e2d51);
      word = Math.imul((word << 15) | (word >>> 17), 0x1b873593);
      hash ^= word;
      hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  }

  #hasRoomFor(length: number): boolean {
    if (this.#at + PART_BYTES + length > this.#bytes.length) this.#isTooLong = true;
    return !this.#isTooLong;
  }
}
