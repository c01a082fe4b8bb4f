/**
 * What is found again by bytes, and is bytes: kept outside the heap of JavaScript, where hundreds of thousands of entries
 * cost the collector of garbage nothing. The oldest give way; those that are still asked for are written anew before.
 */

/** Places for one hash: more entries than that with hashes alike push each other out. */
const WAYS = 4;
/** A guess at what an entry takes: from it follows how many places there are. */
const ENTRY_BYTES = 256;
const HEAD_BYTES = 8;
/** Of the ring: what is found in its oldest part is written anew. */
const OLD_PART = 0.25;

export class ByteCache {
  readonly #ring: Buffer;
  readonly #buckets: number;
  readonly #hashes: Uint32Array;
  /** Where entries begin, counted from the first byte that was ever written; 0: nothing. */
  readonly #starts: Float64Array;
  /** Bytes ever written. The first entry must not begin at 0. */
  #written = HEAD_BYTES;

  /** @param bytes  of the ring; pages of it that were never written cost nothing */
  constructor(bytes: number) {
    this.#ring = Buffer.alloc(bytes);
    this.#buckets = 2 ** Math.ceil(Math.log2(bytes / ENTRY_BYTES / WAYS));
    this.#hashes = new Uint32Array(this.#buckets * WAYS);
    this.#starts = new Float64Array(this.#buckets * WAYS);
  }

  /** Nothing has had to give way yet. */
  get hasRoom(): boolean {
    return this.#written < this.#ring.length;
  }

  /** @returns a view that counts until the next call. @param hash  of the key */
  find(key: Uint8Array, hash: number): Uint8Array | undefined {
    const first = this.#first(hash);
    for (let place = first; place < first + WAYS; place++) {
      if (this.#hashes[place] !== hash || !this.#isThere(place)) continue;
      const start = this.#starts[place] as number;
      const value = this.#valueAt(start % this.#ring.length, key);
      if (!value) continue;
      return this.#age(start) > this.#ring.length * (1 - OLD_PART) ? this.#renew(place, key, hash, value) : value;
    }
    return undefined;
  }

  /** What takes more than a part of the ring is not kept. */
  set(key: Uint8Array, hash: number, value: Uint8Array): void {
    if (HEAD_BYTES + key.length + value.length > this.#ring.length * OLD_PART) return;
    this.#write(this.#placeFor(hash, key), key, hash, value);
  }

  #renew(place: number, key: Uint8Array, hash: number, value: Uint8Array): Uint8Array {
    // Of its own: the place that it is written to may be its own.
    const copy = Uint8Array.from(value);
    this.#write(place, key, hash, copy);
    return copy;
  }

  #write(place: number, key: Uint8Array, hash: number, value: Uint8Array): void {
    const length = HEAD_BYTES + key.length + value.length;
    let at = this.#written % this.#ring.length;
    if (at + length > this.#ring.length) {
      this.#written += this.#ring.length - at;
      at = 0;
    }
    this.#ring.writeUInt32LE(key.length, at);
    this.#ring.writeUInt32LE(value.length, at + 4);
    this.#ring.set(key, at + HEAD_BYTES);
    this.#ring.set(value, at + HEAD_BYTES + key.length);
    this.#hashes[place] = hash;
    this.#starts[place] = this.#written;
    this.#written += length;
  }

  /** The place of this key, else an empty one, else that of the oldest. */
  #placeFor(hash: number, key: Uint8Array): number {
    const first = this.#first(hash);
    let oldest = first;
    for (let place = first; place < first + WAYS; place++) {
      const start = this.#starts[place] as number;
      const isThere = this.#isThere(place);
      if (isThere && this.#hashes[place] === hash && this.#valueAt(start % this.#ring.length, key)) return place;
      if (start < (this.#starts[oldest] as number)) oldest = place;
    }
    return oldest;
  }

  #first(hash: number): number {
    return (hash & (this.#buckets - 1)) * WAYS;
  }

  #age(start: number): number {
    return this.#written - start;
  }

  /** It was written, and nothing over it. */
  #isThere(place: number): boolean {
    const start = this.#starts[place] as number;
    return start !== 0 && this.#age(start) <= this.#ring.length;
  }

  #valueAt(at: number, key: Uint8Array): Uint8Array | undefined {
    const keyLength = this.#ring.readUInt32LE(at);
    if (keyLength !== key.length) return undefined;
    const begin = at + HEAD_BYTES;
    const end = begin + keyLength;
    if (this.#ring.compare(key, 0, keyLength, begin, end) !== 0) return undefined;
    return this.#ring.subarray(end, end + this.#ring.readUInt32LE(at + 4));
  }
}
