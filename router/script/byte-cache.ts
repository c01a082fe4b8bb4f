/**
 * What is found again by bytes, and is bytes: kept outside the heap of JavaScript, where hundreds of thousands of entries
 * cost the collector of garbage nothing. The oldest give way; those that are still asked for are written anew before.
 */
import type { Key } from './key-writer.ts';

/** Places for one hash: more entries than that with hashes alike push each other out. */
const WAYS = 8;
/** Less than what an entry mostly takes: from it follows how many places there are, of which most must stay empty. */
const ENTRY_BYTES = 128;
const WORD_BYTES = 4;
/** The lengths of key and value are in front of them. */
const HEAD_BYTES = 2 * WORD_BYTES;
/** Of the ring: what is found in its oldest part is written anew. */
const OLD_PART = 0.25;
const NOTHING = new Uint8Array();

export class ByteCache {
  readonly #ring: Buffer;
  /** The same memory: entries begin at whole words. */
  readonly #words: Uint32Array;
  readonly #buckets: number;
  readonly #hashes: Uint32Array;
  /** Where entries begin, counted from the first byte that was ever written; 0: nothing. */
  readonly #starts: Float64Array;
  /** Bytes ever written. The first entry must not begin at 0. */
  #written = HEAD_BYTES;

  /** @param bytes  of the ring, a multiple of 4; pages of it that were never written cost nothing */
  constructor(bytes: number) {
    const memory = new ArrayBuffer(bytes);
    this.#ring = Buffer.from(memory);
    this.#words = new Uint32Array(memory);
    this.#buckets = 2 ** Math.ceil(Math.log2(bytes / ENTRY_BYTES / WAYS));
    this.#hashes = new Uint32Array(this.#buckets * WAYS);
    this.#starts = new Float64Array(this.#buckets * WAYS);
  }

  /** Nothing has had to give way yet. */
  get hasRoom(): boolean {
    return this.#written < this.#ring.length;
  }

  /** @returns memory of the cache: what is set next may be written over it */
  find(key: Key): Uint8Array | undefined {
    const first = this.#first(key.hash);
    for (let place = first; place < first + WAYS; place++) {
      if (this.#hashes[place] !== key.hash) continue;
      const at = this.#at(place);
      if (at < 0 || !this.#isOf(at, key)) continue;
      const value = this.#valueAt(at);
      if (this.#age(place) <= this.#ring.length * (1 - OLD_PART)) return value;
      const copy = Uint8Array.from(value);
      this.#write(place, key, copy);
      return copy;
    }
    return undefined;
  }

  /** What takes more than a part of the ring is not kept. */
  set(key: Key, value: Uint8Array): void {
    if (HEAD_BYTES + key.length + value.length <= this.#ring.length * OLD_PART) {
      this.#write(this.#placeFor(key), key, value);
    }
  }

  #write(place: number, { bytes, length, hash }: Key, value: Uint8Array): void {
    const size = HEAD_BYTES + padded(length) + padded(value.length);
    let at = this.#written % this.#ring.length;
    if (at + size > this.#ring.length) {
      this.#written += this.#ring.length - at;
      at = 0;
    }
    this.#words[at / WORD_BYTES] = length;
    this.#words[at / WORD_BYTES + 1] = value.length;
    bytes.copy(this.#ring, at + HEAD_BYTES, 0, length);
    this.#ring.set(value, at + HEAD_BYTES + padded(length));
    this.#hashes[place] = hash;
    this.#starts[place] = this.#written;
    this.#written += size;
  }

  /** The place of this key, else an empty one, else that of the oldest. */
  #placeFor(key: Key): number {
    const first = this.#first(key.hash);
    let oldest = first;
    for (let place = first; place < first + WAYS; place++) {
      const at = this.#at(place);
      if (at >= 0 && this.#hashes[place] === key.hash && this.#isOf(at, key)) return place;
      if ((this.#starts[place] as number) < (this.#starts[oldest] as number)) oldest = place;
    }
    return oldest;
  }

  #first(hash: number): number {
    return (hash & (this.#buckets - 1)) * WAYS;
  }

  #age(place: number): number {
    return this.#written - (this.#starts[place] as number);
  }

  /** Where the entry of a place is in the ring; below 0: nothing was written there, or something over it. */
  #at(place: number): number {
    const start = this.#starts[place] as number;
    return start === 0 || this.#written - start > this.#ring.length ? -1 : start % this.#ring.length;
  }

  #isOf(at: number, { bytes, length }: Key): boolean {
    if (this.#words[at / WORD_BYTES] !== length) return false;
    const begin = at + HEAD_BYTES;
    return this.#ring.compare(bytes, 0, length, begin, begin + length) === 0;
  }

  #valueAt(at: number): Uint8Array {
    const length = this.#words[at / WORD_BYTES + 1] as number;
    if (length === 0) return NOTHING;
    const begin = at + HEAD_BYTES + padded(this.#words[at / WORD_BYTES] as number);
    return this.#ring.subarray(begin, begin + length);
  }
}

const padded = (length: number): number => (length + WORD_BYTES - 1) & -WORD_BYTES;
