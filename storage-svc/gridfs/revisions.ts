/**
 * Which files there are: documents of `<bucket>.files`. A name may have several, as GridFS has it; the newest counts.
 * Each of ours has a number, one more than that of ours before it, and no two of a name have the same: so of several
 * who write at once on a condition one wins. Readers of an older one can go on for a while.
 */
import type { Collection, ObjectId } from 'mongodb';
import { MillraceError } from '#common/errors.ts';
import type { Condition } from '../object/client.ts';
import { OTHER_VERSION, type Rule, THERE } from '../object/failures.ts';
import { isDuplicate } from './errors.ts';

/** As GridFS has it, and what is ours in its `metadata`. */
export interface FileDocument {
  readonly _id: ObjectId;
  readonly filename: string;
  /** Bytes; of those who write with other drivers it may be a Long. */
  readonly length: number;
  readonly chunkSize: number;
  readonly uploadDate: Date;
  /** Of older drivers. */
  readonly contentType?: string;
  readonly metadata?: { readonly contentType?: string; readonly revision?: number; readonly properties?: string };
}

const NEWEST = { uploadDate: -1 } as const;

export class Revisions {
  readonly #files: Collection<FileDocument>;

  constructor(files: Collection<FileDocument>) {
    this.#files = files;
  }

  async ensureIndexes(): Promise<void> {
    await this.#files.createIndex({ filename: 1, uploadDate: 1 });
    await this.#files.createIndex(
      { filename: 1, 'metadata.revision': -1 },
      { unique: true, partialFilterExpression: { 'metadata.revision': { $exists: true } } },
    );
  }

  async newest(filename: string): Promise<FileDocument | undefined> {
    return (await this.#files.findOne({ filename: { $eq: filename } }, { sort: NEWEST })) ?? undefined;
  }

  /**
   * Makes a content that is complete the newest of its name.
   * @throws MillraceError conflict, contradiction where the condition is not met
   */
  async add(
    file: Omit<FileDocument, 'uploadDate' | 'metadata'>,
    contentType: string | undefined,
    condition: Condition,
    signal: AbortSignal,
  ): Promise<{ readonly file: FileDocument; readonly isFirst: boolean }> {
    for (;;) {
      signal.throwIfAborted();
      const present = await this.newest(file.filename);
      if (condition === 'new' && present) throw said(THERE);
      if (typeof condition === 'object' && present?._id.toHexString() !== condition.etag) throw said(OTHER_VERSION);
      const metadata = { revision: await this.#next(present), ...(contentType !== undefined && { contentType }) };
      // Later than what was there, whatever the clocks say: so GridFS finds the newest.
      const uploadDate = new Date(Math.max(Date.now(), (present?.uploadDate.getTime() ?? 0) + 1));
      const added = { ...file, uploadDate, metadata };
      try {
        await this.#files.insertOne(added);
        return { file: added, isFirst: present === undefined };
      } catch (error) {
        // Another one was faster: what it has written is looked at, and is what is there now.
        if (!isDuplicate(error)) throw error;
      }
    }
  }

  /** Where another program has written the newest, ours before it tells. */
  async #next(present: FileDocument | undefined): Promise<number> {
    if (!present) return 1;
    if (present.metadata?.revision !== undefined) return present.metadata.revision + 1;
    const numbered = { filename: { $eq: present.filename }, 'metadata.revision': { $exists: true } };
    const ours = await this.#files.findOne(numbered, { sort: { 'metadata.revision': -1 } });
    return (ours?.metadata?.revision ?? 0) + 1;
  }

  /** Of some names, all of them or those that are older. @returns whose contents are to be removed */
  async remove(filenames: readonly string[], before?: Date): Promise<ObjectId[]> {
    const which = { filename: { $in: [...filenames] }, ...(before && { uploadDate: { $lt: before } }) };
    const ids = (await this.#files.find(which, { projection: { _id: 1 } }).toArray()).map(({ _id }) => _id);
    if (ids.length === 0) return [];
    const { deletedCount } = await this.#files.deleteMany({ _id: { $in: ids } });
    // Others who remove the same may have been faster: contents of what is gone are nobody's.
    return deletedCount === 0 ? [] : ids;
  }

  /** False: there is none. */
  async describe(filename: string, properties: string): Promise<boolean> {
    const present = await this.newest(filename);
    if (!present) return false;
    const { matchedCount } = await this.#files.updateOne(
      { _id: present._id },
      { $set: { 'metadata.properties': properties } },
    );
    return matchedCount > 0;
  }
}

const said = ([code, message]: Rule): MillraceError => new MillraceError(code, message);
