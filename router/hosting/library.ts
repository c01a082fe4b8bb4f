/**
 * Public files as they are found: in memory where they are small and current, else looked for in the storage. Whoever
 * asks for the same file at the same time waits for one look at it.
 */
import { COMPRESSED_FROM_BYTES, NEIGHBOUR_AGE_MAX_MS } from '#common/bounds.ts';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { FileContext } from '#common/files/client.ts';
import type { FileEntry } from '#common/files/entry.ts';
import { within } from '#common/in-time.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { FileStore } from '../files/call.ts';
import { etagOf } from '../files/conditions.ts';
import { typeOf, validatorsOf } from '../files/download.ts';
import { isNotFound } from '../files/refusals.ts';
import type { Headers } from '../http/reply.ts';
import { CODINGS, type Coding, codedEntry, compress, NEIGHBOUR } from './coding.ts';
import type { HotFiles } from './hot-files.ts';
import { KeptFile, type Variant } from './kept-file.ts';
import { isCompressible } from './media.ts';
import type { Site } from './site.ts';

/** Too large to be kept. */
export interface LargeFile {
  readonly entry: FileEntry;
}

export type Found = KeptFile | LargeFile | 'folder' | undefined;

/** Where a file is looked for. */
export interface Place {
  readonly service: Service;
  readonly site: Site;
  readonly context: FileContext;
}

/** How often a look is begun anew where the file changes meanwhile. */
const ATTEMPTS = 3;

export class Library {
  readonly hot: HotFiles;
  readonly #store: FileStore;
  readonly #timeoutMs: number;
  readonly #looks = new Map<string, Promise<Found>>();

  constructor(store: FileStore, hot: HotFiles, timeoutMs: number) {
    this.#store = store;
    this.hot = hot;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws MillraceError unavailable, deadline, … */
  async find(place: Place, path: string): Promise<Found> {
    const kept = this.hot.find(place.service, path);
    if (kept && (await this.#isCurrent(place, kept))) return kept;
    const { service } = place;
    const key = `${service.id}/${this.hot.generationOf(service.name)}/${path}`;
    let look = this.#looks.get(key);
    if (!look) {
      look = within(this.#timeoutMs, (deadline) => this.#look(place, path, deadline));
      this.#looks.set(key, look);
      const forget = () => this.#looks.delete(key);
      look.then(forget, forget);
    }
    return look;
  }

  /** The file in the best coding that can be had; it is compressed once. @param codings  the best first */
  async variantOf(file: KeptFile, place: Place, codings: readonly Coding[]): Promise<Variant> {
    const ready = file.variantFor(codings);
    const [coding] = codings;
    if (ready || !coding) return ready ?? file.plain;
    let making = file.coding.get(coding);
    if (!making) {
      making = this.#coded(file, place, coding).finally(() => file.coding.delete(coding));
      file.coding.set(coding, making);
    }
    return making;
  }

  /** The compressed neighbour of a file. @returns undefined: there is none that is as new as the file and public */
  async neighbour({ site, context }: Place, entry: FileEntry, coding: Coding): Promise<FileEntry | undefined> {
    const path = entry.path + NEIGHBOUR[coding];
    if (!site.isOpen(path)) return undefined;
    const found = await within(this.#timeoutMs, (deadline) => this.#store.stat(context, path, [], deadline));
    const isNew = (found.entry?.modifiedMs ?? 0) >= (entry.modifiedMs ?? 0) - NEIGHBOUR_AGE_MAX_MS;
    return found.entry && !found.entry.isFolder && isNew ? found.entry : undefined;
  }

  async #isCurrent(place: Place, file: KeptFile): Promise<boolean> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (this.hot.isFresh(file, Date.now())) return true;
      file.checking ??= within(this.#timeoutMs, (deadline) => this.#check(place, file, deadline)).finally(() => {
        file.checking = undefined;
      });
      if (!(await file.checking)) return false;
    }
    // Somebody writes without a pause: it is read.
    return false;
  }

  async #check({ context, service }: Place, file: KeptFile, deadline: Deadline): Promise<boolean> {
    const generation = this.hot.generationOf(service.name);
    const entries = [file.plain.entry, ...file.neighbours.values()];
    const looks = entries.map(async (before) => {
      const { entry } = await this.#store.stat(context, before.path, [], deadline);
      return entry !== undefined && isSame(before, entry);
    });
    const isCurrent = (await Promise.all(looks)).every(Boolean);
    if (isCurrent) this.hot.looked(file, generation);
    else this.hot.forget(file);
    return isCurrent;
  }

  async #look(place: Place, path: string, deadline: Deadline): Promise<Found> {
    for (let attempt = 1; ; attempt++) {
      const generation = this.hot.generationOf(place.service.name);
      const { entry } = await this.#store.stat(place.context, path, [], deadline);
      if (!entry) return undefined;
      if (entry.isFolder) return 'folder';
      if (entry.size > this.hot.fileBytesMax) return { entry };
      try {
        const file = await this.#read(place, entry, deadline);
        this.hot.keep(file);
        this.hot.looked(file, generation);
        return file;
      } catch (error) {
        if (!isChanged(error)) throw error;
        if (attempt === ATTEMPTS) throw new MillraceError('unavailable', 'The file is replaced too often to be read.');
      }
    }
  }

  async #read(place: Place, entry: FileEntry, deadline: Deadline): Promise<KeptFile> {
    const bytes = await this.#bytesOf(place.context, entry, deadline);
    const type = typeOf(entry);
    const compressible = isCompressible(type) && bytes.length >= COMPRESSED_FROM_BYTES;
    const neighbours = compressible ? await this.#neighbours(place, entry) : [];
    const headers = headersOf(place.site, entry, type, compressible);
    return new KeptFile({
      ...{ service: place.service, type, isCompressible: compressible },
      plain: { entry, bytes, headers: [['Content-Type', type], ACCEPT_RANGES, ...headers], bareHeaders: headers },
      neighbours: new Map(neighbours),
    });
  }

  async #neighbours(place: Place, entry: FileEntry): Promise<(readonly [Coding, FileEntry])[]> {
    const found = await Promise.all(
      CODINGS.map(async (coding) => [coding, await this.neighbour(place, entry, coding)] as const),
    );
    const isKept = (one: FileEntry | undefined): one is FileEntry =>
      one !== undefined && one.size <= this.hot.fileBytesMax;
    return found.flatMap(([coding, one]) => (isKept(one) ? [[coding, one] as const] : []));
  }

  /** @throws MillraceError contradiction, not_found: it is another one meanwhile */
  async #bytesOf(context: FileContext, entry: FileEntry, deadline: Deadline): Promise<Buffer> {
    const content = await this.#store.read(context, { path: entry.path, ifEtag: entry.etag ?? '' }, deadline);
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of content.body) {
      length += piece.length;
      if (length > entry.size) break;
      pieces.push(piece);
    }
    if (length !== entry.size || etagOf(content.entry) !== etagOf(entry)) {
      throw new MillraceError('contradiction', 'The file is another one meanwhile.');
    }
    return Buffer.concat(pieces);
  }

  async #coded(file: KeptFile, place: Place, coding: Coding): Promise<Variant> {
    const bytes = await this.#codedBytes(file, place, coding);
    const isShorter = bytes.length < file.plain.bytes.length;
    const variant = isShorter ? variantOf(file, place.site, coding, bytes) : file.plain;
    file.coded.set(coding, variant);
    this.hot.grown(file);
    return variant;
  }

  async #codedBytes({ plain, neighbours }: KeptFile, { context }: Place, coding: Coding): Promise<Buffer> {
    const neighbour = neighbours.get(coding);
    if (!neighbour) return compress(plain.bytes, coding);
    try {
      return await within(this.#timeoutMs, (deadline) => this.#bytesOf(context, neighbour, deadline));
    } catch (error) {
      if (isChanged(error)) return compress(plain.bytes, coding);
      throw error;
    }
  }
}

const ACCEPT_RANGES = ['Accept-Ranges', 'bytes'] as const;
const VARY = ['Vary', 'Accept-Encoding'] as const;

/** Of an answer without a content, and, but for its type, of one with it. */
export function headersOf(site: Site, entry: FileEntry, type: string, varies: boolean): Headers {
  return [...site.headersOf(entry.path, type), ...validatorsOf(entry), ...(varies ? [VARY] : [])];
}

function variantOf({ plain, type }: KeptFile, site: Site, coding: Coding, bytes: Buffer): Variant {
  const entry = codedEntry(plain.entry, coding);
  const bareHeaders = headersOf(site, entry, type, true);
  return { entry, bytes, bareHeaders, headers: [['Content-Type', type], ['Content-Encoding', coding], ...bareHeaders] };
}

const isSame = (one: FileEntry, other: FileEntry): boolean =>
  etagOf(one) !== undefined && etagOf(one) === etagOf(other) && one.size === other.size;

const isChanged = (error: unknown): boolean =>
  isNotFound(error) || (error instanceof MillraceError && error.code === 'contradiction');
