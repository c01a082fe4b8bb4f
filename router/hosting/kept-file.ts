/** A public file in memory, in every coding that was asked for. */
import type { FileEntry } from '#common/files/entry.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { Headers } from '../http/reply.ts';
import type { Coding } from './coding.ts';

/** What is sent. */
export interface Variant {
  /** With the version of this representation. */
  readonly entry: FileEntry;
  readonly bytes: Buffer;
  /** All that do not depend on the request. */
  readonly headers: Headers;
  /** The same for an answer without the content. */
  readonly bareHeaders: Headers;
}

export interface KeptInit {
  readonly service: Service;
  readonly plain: Variant;
  readonly type: string;
  /** Whether it is sent in other codings at all. */
  readonly isCompressible: boolean;
  /** Compressed neighbours of the file, as they were found. */
  readonly neighbours: ReadonlyMap<Coding, FileEntry>;
}

/** What one costs beside its bytes. */
const OVERHEAD_BYTES = 2048;

export class KeptFile {
  readonly service: Service;
  readonly plain: Variant;
  readonly type: string;
  readonly isCompressible: boolean;
  readonly neighbours: ReadonlyMap<Coding, FileEntry>;
  /** `plain` where the other is no shorter. */
  readonly coded = new Map<Coding, Variant>();
  /** On their way. */
  readonly coding = new Map<Coding, Promise<Variant>>();
  /** Addresses that it is found by. */
  readonly addresses: string[] = [];
  /** On the clock of `Date.now()`; 0: it has to be looked at first. */
  freshUntil = 0;
  /** What its service was written to when it was looked at. */
  generation = -1;
  /** Somebody looks whether it is current. */
  checking: Promise<boolean> | undefined;

  constructor({ service, plain, type, isCompressible, neighbours }: KeptInit) {
    this.service = service;
    this.plain = plain;
    this.type = type;
    this.isCompressible = isCompressible;
    this.neighbours = neighbours;
  }

  get bytes(): number {
    let sum = OVERHEAD_BYTES + this.plain.bytes.length;
    for (const { bytes } of this.coded.values()) if (bytes !== this.plain.bytes) sum += bytes.length;
    return sum;
  }

  /** At once; undefined: it has to be made first. @param codings  that the client takes, the best first */
  variantFor(codings: readonly Coding[]): Variant | undefined {
    const [best] = codings;
    return best === undefined || !this.isCompressible ? this.plain : this.coded.get(best);
  }
}
