/** Buckets for tests: of a server that goes on they are removed at the end. */
import { randomUUID } from 'node:crypto';
import * as s3 from '@aws-sdk/client-s3';

interface Server {
  readonly endpoint: string;
  readonly region: string;
  readonly key: string;
  readonly secret: string;
  /** It goes on when the tests are over. */
  readonly isForeign: boolean;
  stop(): Promise<void>;
}

export class Buckets {
  readonly client: s3.S3Client;
  readonly #server: Server;
  readonly #names: string[] = [];

  constructor(server: Server) {
    const { endpoint, region, key: accessKeyId, secret: secretAccessKey } = server;
    this.#server = server;
    this.client = new s3.S3Client({
      ...{ endpoint, region, forcePathStyle: true },
      credentials: { accessKeyId, secretAccessKey },
    });
  }

  /** Settings of a service over a bucket that is not there yet. */
  settings(): { readonly container: string; readonly [name: string]: unknown } {
    const container = `millrace-${randomUUID()}`;
    this.#names.push(container);
    const { endpoint, region, key, secret } = this.#server;
    return { endpoint, region, key, secret, container, path_style: true };
  }

  get names(): readonly string[] {
    return this.#names;
  }

  async remove(Bucket: string): Promise<void> {
    for (;;) {
      const { Contents = [] } = await this.client.send(new s3.ListObjectsV2Command({ Bucket }));
      if (Contents.length === 0) break;
      const Delete = { Objects: Contents.map(({ Key }) => ({ Key })) };
      await this.client.send(new s3.DeleteObjectsCommand({ Bucket, Delete }));
    }
    await this.client.send(new s3.DeleteBucketCommand({ Bucket }));
  }

  async stop(): Promise<void> {
    for (const name of this.#server.isForeign ? this.#names : []) await this.remove(name).catch(ifGone);
    this.client.destroy();
    await this.#server.stop();
  }
}

function ifGone(error: unknown): void {
  if (!(error instanceof s3.NoSuchBucket)) throw error;
}
