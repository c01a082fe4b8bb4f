/** What a store of keys and values can do: the calls that S3, Azure and their like have in common, and no more. */
import type { Readable } from 'node:stream';

export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number | undefined;
  readonly contentType: string | undefined;
  /** Without quotes. */
  readonly etag: string | undefined;
  readonly extras?: Readonly<Record<string, unknown>>;
}

export interface PageQuery {
  readonly prefix: string;
  /** All keys of the prefix; else those up to the next slash, and what is behind it as one folder. */
  readonly isDeep: boolean;
  /** Of the page before; undefined: the first. */
  readonly token: string | undefined;
  /** Keys and folders; undefined: as many as the store gives at once. */
  readonly max?: number | undefined;
}

/** Keys and folders of later pages stand behind those of earlier ones, by their bytes. */
export interface ObjectPage {
  readonly objects: readonly ObjectInfo[];
  /** Each with its slash at the end. */
  readonly folders: readonly string[];
  readonly next: string | undefined;
}

export interface GetOptions {
  /** First byte, and how many at most; some of them are there. */
  readonly range: { readonly offset: number; readonly length: number } | undefined;
  readonly etag: string | undefined;
}

export interface OpenedObject {
  readonly info: ObjectInfo;
  readonly body: Readable;
}

/** When a key may be written: where there is nothing, or where this version is. */
export type Condition = 'new' | { readonly etag: string } | undefined;

export interface PutOptions {
  readonly contentType: string | undefined;
  readonly condition: Condition;
}

export type Written = Pick<ObjectInfo, 'etag' | 'modifiedMs'>;

/** An object that comes in parts and is there when it is complete. */
export interface PartUpload {
  /** @param number  from 1; several at once in any order */
  send(number: number, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  complete(signal: AbortSignal): Promise<Written>;
  /** What was sent is given up. */
  abort(signal: AbortSignal): Promise<void>;
}

/** Methods reject with what the driver throws; the backend's errors.ts translates it. All can be aborted. */
export interface ObjectClient {
  /** Parts of one upload. */
  readonly partsMax: number;
  /** Makes the container where there is none. */
  ensureContainer(signal: AbortSignal): Promise<void>;
  /** undefined: there is nothing of this key. */
  head(key: string, signal: AbortSignal): Promise<ObjectInfo | undefined>;
  /** undefined: there is nothing of this key. */
  get(key: string, options: GetOptions, signal: AbortSignal): Promise<OpenedObject | undefined>;
  page(query: PageQuery, signal: AbortSignal): Promise<ObjectPage>;
  put(key: string, bytes: Uint8Array, options: PutOptions, signal: AbortSignal): Promise<Written>;
  beginParts(key: string, options: PutOptions, signal: AbortSignal): Promise<PartUpload>;
  /** False: there was nothing of this key. */
  remove(key: string, signal: AbortSignal): Promise<boolean>;
  /** As many as a page has; those that are gone already are fine. */
  removeAll(keys: readonly string[], signal: AbortSignal): Promise<void>;
  /** False: there is nothing of the first key. */
  copy(from: string, to: string, signal: AbortSignal): Promise<boolean>;
  /** Keeps a text beside the content, in ASCII. False: there is nothing of this key. */
  describe(key: string, text: string, signal: AbortSignal): Promise<boolean>;
  /** Waits for what is being tidied up. */
  close(): Promise<void>;
}
