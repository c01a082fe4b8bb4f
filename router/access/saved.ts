/** The last snapshot on disk: a router that restarts while the system service is gone goes on with it. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Logger } from '#common/observe/log.ts';
import { type Update, UpdateSchema } from '#proto/access/v1/access_pb.ts';

/**
 * Encoding many thousands of entities holds up everything else: not for each of several changes in a row. A pause
 * takes this many times what the writing took, so that a small installation's changes are on disk almost at once.
 */
const PAUSE_PER_WRITING = 20;
const PAUSE_MAX_MS = 1000;

export class SavedSnapshot {
  readonly #file: string;
  readonly #log: Logger;
  #writing: Promise<void> | undefined;
  #next: (() => Update) | undefined;
  #pause = new AbortController();

  constructor(file: string, log: Logger) {
    this.#file = file;
    this.#log = log;
  }

  async load(): Promise<Update | undefined> {
    try {
      return fromBinary(UpdateSchema, await readFile(this.#file));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#log.warn({ err: error }, 'saved snapshot unusable');
      return undefined;
    }
  }

  /** Writes at once, or a moment after the last time; what changes until then goes out together. */
  save(snapshot: () => Update): void {
    this.#next = snapshot;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when everything is written, which is done without a pause. */
  async settled(): Promise<void> {
    this.#pause.abort();
    await this.#writing;
    this.#pause = new AbortController();
  }

  async #writeAll(): Promise<void> {
    while (this.#next) {
      const snapshot = this.#next;
      const began = performance.now();
      this.#next = undefined;
      try {
        await mkdir(dirname(this.#file), { recursive: true });
        const draft = `${this.#file}.${process.pid}.draft`;
        await writeFile(draft, toBinary(UpdateSchema, snapshot()), { mode: 0o600 });
        await rename(draft, this.#file);
      } catch (error) {
        this.#log.warn({ err: error }, 'snapshot could not be saved');
      }
      const pause = Math.min(PAUSE_MAX_MS, PAUSE_PER_WRITING * (performance.now() - began));
      await sleep(pause, undefined, { signal: this.#pause.signal, ref: false }).catch(() => {});
    }
  }
}
