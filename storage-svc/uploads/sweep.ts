/** Removes uploads that nobody took up again. Every replica does it for the storages that it is at. */
import { FILE_TIMEOUT_MS, UPLOAD_SWEEP_MS } from '#common/bounds.ts';
import type { Deadline } from '#common/deadline.ts';
import { nameOf } from '#common/files/path.ts';
import { within } from '#common/in-time.ts';
import type { Logger } from '#common/observe/log.ts';
import type { StorageSource } from '../backend.ts';
import type { StorageConnector } from '../connector.ts';
import { removeBelow } from '../operations/remove.ts';
import { readRecord, UPLOADS_FOLDER } from './record.ts';

export class UploadSweeper {
  /** Had no head the last time: one that begins has one a moment later. */
  #headless: ReadonlySet<string> = new Set();

  /** @returns how many are gone */
  async sweep(source: StorageSource, deadline: Deadline, now = Date.now()): Promise<number> {
    const headless = new Set<string>();
    const over: string[] = [];
    for await (const { path, isFolder } of source.list(UPLOADS_FOLDER, deadline)) {
      if (!isFolder) continue;
      const record = await readRecord(source, nameOf(path), deadline);
      if (record ? record.expiresMs <= now : this.#headless.has(path)) over.push(path);
      else if (!record) headless.add(path);
    }
    this.#headless = headless;
    for (const path of over) {
      await removeBelow({ source, deadline }, path);
      await source.removeFolder(path, deadline);
    }
    return over.length;
  }
}

/** Sweeps from time to time. @returns a function that ends it */
export function sweepUploads(connector: StorageConnector, log: Logger): () => void {
  const sweepers = new WeakMap<StorageSource, UploadSweeper>();
  const sweepAll = (): Promise<void> =>
    connector.each(async ({ source }, service) => {
      const sweeper = sweepers.get(source) ?? new UploadSweeper();
      sweepers.set(source, sweeper);
      try {
        const gone = await within(FILE_TIMEOUT_MS, (deadline) => sweeper.sweep(source, deadline));
        if (gone > 0) log.info({ service, gone }, 'uploads that broke off are removed');
      } catch (error) {
        log.warn({ err: error, service }, 'uploads could not be swept');
      }
    });
  let sweeping: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    sweeping = sweeping.then(sweepAll);
  }, UPLOAD_SWEEP_MS);
  return () => clearInterval(timer);
}
