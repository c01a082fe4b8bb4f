/** The calls to S3. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import * as s3 from '@aws-sdk/client-s3';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { OBJECT_ATTEMPTS_MAX, OBJECT_CONNECTIONS_MAX } from '#common/bounds.ts';
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
import type { S3Config } from './config.ts';
import { isSaid } from './errors.ts';
import { S3PartUpload, sweepUploads } from './part-upload.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const PAGE_MAX = 1000;
/** Where a bucket is made when nothing is said. */
const FIRST_REGION = 'us-east-1';
/** Metadata that is kept beside the content. */
const PROPERTIES = 'properties';
/** The driver says to every user of Node 20 that it will not be served for ever: which Node this runs on is known. */
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

export class S3Client implements ObjectClient {
  readonly partsMax = 10_000;
  readonly #bucket: string;
  readonly #config: S3Config;
  readonly #agents: readonly HttpAgent[];
  /** Sends again what fails for a reason that may pass. */
  readonly #client: s3.S3Client;
  /** Sends once: a second time the request would meet what it has done itself. */
  readonly #once: s3.S3Client;
  #sweeping: Promise<void> = Promise.resolve();

  constructor(config: S3Config, connectionsMax: number) {
    this.#config = config;
    this.#bucket = config.bucket;
    const [httpAgent, httpsAgent] = agentsFor(config.proxy, connectionsMax);
    this.#agents = [httpAgent, httpsAgent];
    const shared: s3.S3ClientConfig = {
      region: config.region,
      ...(config.credentials && { credentials: config.credentials }),
      ...(config.endpoint === undefined ? { followRegionRedirects: true } : { endpoint: config.endpoint }),
      forcePathStyle: config.isPathStyle,
      // Other stores do not know Amazon's newer checksums; a signature has one of its own.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { httpAgent, httpsAgent, connectionTimeout: CONNECT_TIMEOUT_MS },
    };
    this.#client = new s3.S3Client({ ...shared, maxAttempts: OBJECT_ATTEMPTS_MAX });
    this.#once = new s3.S3Client({ ...shared, maxAttempts: 1 });
  }

  async close(): Promise<void> {
    await this.#sweeping;
    this.#client.destroy();
    this.#once.destroy();
    for (const agent of this.#agents) agent.destroy();
  }

  /** By a list: an answer to HEAD has no words for what is wrong. */
  async ensureContainer(abortSignal: AbortSignal): Promise<void> {
    const { endpoint, region } = this.#config;
    try {
      await this.#probe(abortSignal);
      this.#sweeping = sweepUploads(this.#client, this.#bucket).catch(() => {}); // the next start tries again
    } catch (error) {
      if (!isSaid(error, 'NoSuchBucket')) throw error;
      const isElsewhere = endpoint === undefined && region !== FIRST_REGION;
      const place = { LocationConstraint: region as s3.BucketLocationConstraint };
      const command = new s3.CreateBucketCommand({
        Bucket: this.#bucket,
        ...(isElsewhere && { CreateBucketConfiguration: place }),
      });
      await this.#client.send(command, { abortSignal }).catch((failure: unknown) => {
        if (!isSaid(failure, 'BucketAlreadyOwnedByYou')) throw failure;
      });
    }
  }

  async head(key: string, abortSignal: AbortSignal): Promise<ObjectInfo | undefined> {
    const found = await this.#head(key, abortSignal);
    return found && infoOf(key, found, found.ContentLength);
  }

  async get(key: string, { range, etag }: GetOptions, abortSignal: AbortSignal): Promise<OpenedObject | undefined> {
    const command = new s3.GetObjectCommand({
      ...this.#at(key),
      ...(range && { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
      ...(etag !== undefined && { IfMatch: quoted(etag) }),
    });
    const got = await this.#client.send(command, { abortSignal }).catch(ifThere);
    if (!got) return undefined;
    const total = /\/(\d+)$/.exec(got.ContentRange ?? '')?.[1];
    return { info: infoOf(key, got, total ? Number(total) : got.ContentLength), body: got.Body as Readable };
  }

  async page({ prefix, isDeep, token, max }: PageQuery, abortSignal: AbortSignal): Promise<ObjectPage> {
    const command = new s3.ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: prefix,
      MaxKeys: max ?? PAGE_MAX,
      // XML has no way to say some of the characters that keys may have.
      EncodingType: 'url',
      ...(isDeep ? {} : { Delimiter: '/' }),
      ...(token !== undefined && { ContinuationToken: token }),
    });
    const page = await this.#client.send(command, { abortSignal });
    const textOf = page.EncodingType === 'url' ? decoded : (text: string) => text;
    return {
      objects: (page.Contents ?? []).map((item) => infoOf(textOf(item.Key ?? ''), item, item.Size)),
      folders: (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => textOf(Prefix)),
      next: page.IsTruncated ? page.NextContinuationToken : undefined,
    };
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions, abortSignal: AbortSignal): Promise<Written> {
    const input = { ...this.#at(key), Body: bytes, ContentType: options.contentType };
    const send = (client: s3.S3Client, condition: Condition) =>
      client.send(new s3.PutObjectCommand({ ...input, ...headersOf(condition) }), { abortSignal });
    return writtenOf(await this.#conditionally(options.condition, send, abortSignal));
  }

  async beginParts(key: string, { contentType, condition }: PutOptions, signal: AbortSignal): Promise<PartUpload> {
    const complete = (input: s3.CompleteMultipartUploadCommandInput, abortSignal: AbortSignal): Promise<Written> => {
      const send = (client: s3.S3Client, met: Condition) =>
        client.send(new s3.CompleteMultipartUploadCommand({ ...input, ...headersOf(met) }), { abortSignal });
      return this.#conditionally(condition, send, abortSignal).then(writtenOf);
    };
    const clients = { client: this.#client, once: this.#once };
    return S3PartUpload.begin(clients, { ...this.#at(key), ContentType: contentType }, complete, signal);
  }

  async remove(key: string, abortSignal: AbortSignal): Promise<boolean> {
    if (!(await this.#head(key, abortSignal))) return false;
    await this.#client.send(new s3.DeleteObjectCommand(this.#at(key)), { abortSignal });
    return true;
  }

  async removeAll(keys: readonly string[], abortSignal: AbortSignal): Promise<void> {
    const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true };
    const command = new s3.DeleteObjectsCommand({ Bucket: this.#bucket, Delete });
    const { Errors = [] } = await this.#client.send(command, { abortSignal });
    const [failed] = Errors;
    if (failed) throw Object.assign(new Error(failed.Message), { Code: failed.Code });
  }

  async copy(from: string, to: string, abortSignal: AbortSignal): Promise<boolean> {
    const command = new s3.CopyObjectCommand({ ...this.#at(to), CopySource: this.#sourceOf(from) });
    return (await this.#client.send(command, { abortSignal }).catch(ifThere)) !== undefined;
  }

  /** Metadata is changed by a copy onto itself, which loses whatever is not said again. */
  async describe(key: string, text: string, abortSignal: AbortSignal): Promise<boolean> {
    const found = await this.#head(key, abortSignal);
    if (!found) return false;
    const { ContentType, ContentEncoding, ContentLanguage, ContentDisposition, CacheControl, StorageClass } = found;
    const command = new s3.CopyObjectCommand({
      ...this.#at(key),
      ...{ ContentType, ContentEncoding, ContentLanguage, ContentDisposition, CacheControl, StorageClass },
      CopySource: this.#sourceOf(key),
      CopySourceIfMatch: found.ETag,
      MetadataDirective: 'REPLACE',
      Metadata: { ...found.Metadata, [PROPERTIES]: text },
    });
    await this.#client.send(command, { abortSignal });
    return true;
  }

  async #head(key: string, abortSignal: AbortSignal): Promise<s3.HeadObjectCommandOutput | undefined> {
    try {
      return await this.#client.send(new s3.HeadObjectCommand(this.#at(key)), { abortSignal });
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (statusOf(error) === 403 || statusOf(error) === 400) await this.#probe(abortSignal); // says why
      throw error;
    }
  }

  async #probe(abortSignal: AbortSignal): Promise<void> {
    await this.#client.send(new s3.ListObjectsV2Command({ Bucket: this.#bucket, MaxKeys: 1 }), { abortSignal });
  }

  /** Where the store knows no conditions the caller has looked himself, a moment before. */
  async #conditionally<T>(
    condition: Condition,
    send: (client: s3.S3Client, condition: Condition) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    if (condition === undefined) return send(this.#client, undefined);
    try {
      return await whileBusy(() => send(this.#once, condition), signal);
    } catch (error) {
      if (!isSaid(error, 'NotImplemented')) throw error;
      return send(this.#client, undefined);
    }
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: key };
  }

  #sourceOf(key: string): string {
    return [this.#bucket, ...key.split('/')].map(encodeURIComponent).join('/');
  }
}

function agentsFor(proxy: string | undefined, connectionsMax: number): readonly [HttpAgent, HttpsAgent] {
  const options = { keepAlive: true, maxSockets: OBJECT_CONNECTIONS_MAX, maxFreeSockets: connectionsMax };
  if (proxy === undefined) return [new HttpAgent(options), new HttpsAgent(options)];
  const agent = new HttpsProxyAgent(proxy, options);
  return [agent, agent as unknown as HttpsAgent];
}

interface Described {
  readonly LastModified?: Date | undefined;
  readonly ContentType?: string | undefined;
  readonly ETag?: string | undefined;
}

function infoOf(key: string, { LastModified, ContentType, ETag }: Described, size: number | undefined): ObjectInfo {
  return {
    key,
    size: size ?? 0,
    // Lists know more of it than answers about one object, and both shall say the same.
    modifiedMs: LastModified && Math.floor(LastModified.getTime() / 1000) * 1000,
    contentType: ContentType,
    etag: unquoted(ETag),
  };
}

const writtenOf = ({ ETag }: { readonly ETag?: string | undefined }): Written => ({
  etag: unquoted(ETag),
  modifiedMs: undefined,
});

const quoted = (etag: string): string => `"${etag}"`;
const unquoted = (etag: string | undefined): string | undefined => etag?.replace(/^"|"$/g, '');
const decoded = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));

const headersOf = (condition: Condition): { IfNoneMatch?: string; IfMatch?: string } =>
  condition === 'new' ? { IfNoneMatch: '*' } : condition ? { IfMatch: quoted(condition.etag) } : {};

/** An answer to HEAD has only its status. */
const isMissing = (error: unknown): boolean => statusOf(error) === 404 && !isSaid(error, 'NoSuchBucket');

function ifThere(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}
