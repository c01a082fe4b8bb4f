/** The calls to Azure Blob Storage. */
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  type BlobRequestConditions,
  BlobServiceClient,
  type BlockBlobClient,
  type ContainerClient,
  StorageRetryPolicyType,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { OBJECT_ATTEMPTS_MAX } from '#common/bounds.ts';
import { whileBusy } from '../object/busy.ts';
import type {
  Condition,
  GetOptions,
  ObjectClient,
  ObjectInfo,
  ObjectPage,
  OpenedObject,
  PageQuery,
  PartUpload,
  PutOptions,
  Written,
} from '../object/client.ts';
import { statusOf } from '../object/failures.ts';
import { AtOnce } from '../operations/at-once.ts';
import type { AzureBlobConfig } from './config.ts';
import { codeOf } from './errors.ts';

/** What one batch of deletions takes. */
const BATCH_MAX = 256;
const BATCHES_AT_ONCE = 4;
const PAUSE_MS = 200;
const PAUSE_MS_MAX = 2_000;
const COPY_POLL_MS = 200;
/** Metadata that is kept beside the content. */
const PROPERTIES = 'properties';

export class AzureBlobClient implements ObjectClient {
  readonly partsMax = 50_000;
  /** Sends again what fails for a reason that may pass. */
  readonly #service: BlobServiceClient;
  readonly #container: ContainerClient;
  /** Sends once: a second time the request would meet what it has done itself. */
  readonly #once: ContainerClient;

  constructor({ account, key, endpoint, container }: AzureBlobConfig) {
    const credential = new StorageSharedKeyCredential(account, key);
    const open = (maxTries: number): BlobServiceClient =>
      new BlobServiceClient(endpoint, credential, {
        retryOptions: {
          retryPolicyType: StorageRetryPolicyType.EXPONENTIAL,
          ...{ maxTries, retryDelayInMs: PAUSE_MS, maxRetryDelayInMs: PAUSE_MS_MAX },
        },
      });
    this.#service = open(OBJECT_ATTEMPTS_MAX);
    this.#container = this.#service.getContainerClient(container);
    this.#once = open(1).getContainerClient(container);
  }

  async close(): Promise<void> {}

  async ensureContainer(abortSignal: AbortSignal): Promise<void> {
    await this.#container.createIfNotExists({ abortSignal });
  }

  async head(key: string, abortSignal: AbortSignal): Promise<ObjectInfo | undefined> {
    const found = await this.#blob(key).getProperties({ abortSignal }).catch(ifThere);
    return found && infoOf(key, found, found.contentLength);
  }

  async get(key: string, { range, etag }: GetOptions, abortSignal: AbortSignal): Promise<OpenedObject | undefined> {
    const got = await this.#blob(key)
      .download(range?.offset ?? 0, range?.length, { abortSignal, ...(etag !== undefined && onlyIf({ etag })) })
      .catch(ifThere);
    if (!got) return undefined;
    const total = /\/(\d+)$/.exec(got.contentRange ?? '')?.[1];
    const info = infoOf(key, got, total ? Number(total) : got.contentLength);
    return { info, body: got.readableStreamBody as Readable };
  }

  async page({ prefix, isDeep, token, max }: PageQuery, abortSignal: AbortSignal): Promise<ObjectPage> {
    const options = { prefix, abortSignal };
    const settings = { ...(token !== undefined && { continuationToken: token }), ...(max && { maxPageSize: max }) };
    const pages = isDeep
      ? this.#container.listBlobsFlat(options).byPage(settings)
      : this.#container.listBlobsByHierarchy('/', options).byPage(settings);
    const { value } = await pages.next();
    const { segment, continuationToken } = value as Page;
    return {
      objects: segment.blobItems.map(({ name, properties }) => infoOf(name, properties, properties.contentLength)),
      folders: (segment.blobPrefixes ?? []).map(({ name }) => name),
      next: continuationToken || undefined,
    };
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions, abortSignal: AbortSignal): Promise<Written> {
    return this.#conditionally(key, options.condition, abortSignal, (blob) =>
      blob.upload(bytes, bytes.length, { abortSignal, ...headersOf(options) }),
    );
  }

  /** Blocks that are not committed are seen by nobody, and gone after a week. */
  async beginParts(key: string, options: PutOptions): Promise<PartUpload> {
    // Uploads of one blob at the same time share their blocks: names of ours are nobody else's.
    const name = randomUUID();
    const ids: string[] = [];
    return {
      send: async (number, bytes, abortSignal) => {
        const id = Buffer.from(`${name}-${String(number).padStart(6, '0')}`).toString('base64');
        ids[number - 1] = id;
        await this.#blob(key).stageBlock(id, bytes, bytes.length, { abortSignal });
      },
      complete: (abortSignal) =>
        this.#conditionally(key, options.condition, abortSignal, (blob) =>
          blob.commitBlockList(ids, { abortSignal, ...headersOf(options) }),
        ),
      abort: async () => {},
    };
  }

  async remove(key: string, abortSignal: AbortSignal): Promise<boolean> {
    return (await this.#blob(key).delete({ abortSignal, deleteSnapshots: 'include' }).catch(ifThere)) !== undefined;
  }

  async removeAll(keys: readonly string[], abortSignal: AbortSignal): Promise<void> {
    const batches = this.#service.getBlobBatchClient();
    const underway = new AtOnce(BATCHES_AT_ONCE);
    for (let first = 0; first < keys.length; first += BATCH_MAX) {
      const blobs = keys.slice(first, first + BATCH_MAX).map((key) => this.#blob(key));
      await underway.add(async () => {
        const { subResponses } = await batches.deleteBlobs(blobs, { abortSignal, deleteSnapshots: 'include' });
        const failed = subResponses.find(({ status }) => status >= 300 && status !== 404);
        if (failed)
          throw Object.assign(new Error(failed.statusMessage), { code: failed.errorCode, statusCode: failed.status });
      });
    }
    await underway.all();
  }

  async copy(from: string, to: string, abortSignal: AbortSignal): Promise<boolean> {
    const options = { abortSignal, intervalInMs: COPY_POLL_MS };
    const copying = await this.#blob(to).beginCopyFromURL(this.#blob(from).url, options).catch(ifThere);
    if (!copying) return false;
    await copying.pollUntilDone();
    return true;
  }

  async describe(key: string, text: string, abortSignal: AbortSignal): Promise<boolean> {
    const found = await this.#blob(key).getProperties({ abortSignal }).catch(ifThere);
    if (!found) return false;
    const metadata = { ...found.metadata, [PROPERTIES]: text };
    await this.#blob(key).setMetadata(metadata, { abortSignal, conditions: { ifMatch: found.etag as string } });
    return true;
  }

  async #conditionally(
    key: string,
    condition: Condition,
    signal: AbortSignal,
    send: (blob: BlockBlobClient) => Promise<Described>,
  ): Promise<Written> {
    const { etag, lastModified } =
      condition === undefined
        ? await send(this.#blob(key))
        : await whileBusy(() => send(this.#once.getBlockBlobClient(key)), signal);
    return { etag: unquoted(etag), modifiedMs: lastModified?.getTime() };
  }

  #blob(key: string): BlockBlobClient {
    return this.#container.getBlockBlobClient(key);
  }
}

interface Described {
  readonly lastModified?: Date | undefined;
  readonly etag?: string | undefined;
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly contentLanguage?: string | undefined;
}

/** Of a flat list or of one by folders. */
interface Page {
  readonly segment: {
    readonly blobItems: readonly {
      readonly name: string;
      readonly properties: Described & { readonly contentLength?: number | undefined };
    }[];
    readonly blobPrefixes?: readonly { readonly name: string }[];
  };
  readonly continuationToken?: string | undefined;
}

const infoOf = (key: string, found: Described, size: number | undefined): ObjectInfo => ({
  key,
  size: size ?? 0,
  modifiedMs: found.lastModified?.getTime(),
  contentType: found.contentType,
  etag: unquoted(found.etag),
  // As clients of the original know them (files-and-scripting-api §1.2).
  extras: {
    content_encoding: found.contentEncoding ?? null,
    content_language: found.contentLanguage ?? null,
  },
});

const unquoted = (etag: string | undefined): string | undefined => etag?.replace(/^"|"$/g, '');

function headersOf({ contentType, condition }: PutOptions) {
  return {
    ...(contentType !== undefined && { blobHTTPHeaders: { blobContentType: contentType } }),
    ...onlyIf(condition),
  };
}

function onlyIf(condition: Condition): { readonly conditions?: BlobRequestConditions } {
  if (condition === undefined) return {};
  return { conditions: condition === 'new' ? { ifNoneMatch: '*' } : { ifMatch: `"${condition.etag}"` } };
}

function ifThere(error: unknown): undefined {
  if (statusOf(error) !== 404 || codeOf(error) === 'ContainerNotFound') throw error;
}
