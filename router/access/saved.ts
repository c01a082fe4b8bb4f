/** The last snapshot on disk: a router that restarts while the system service is gone goes on with it. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Logger } from '#common/observe/log.ts';
import { type Update, UpdateSchema } from '#proto/access/v1/access_pb.ts';

export class SavedSnapshot {
  readonly #file: string;
  readonly #log: Logger;
  #writing: Promise<void> | undefined;
  #next: (() => Update) | undefined;

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

  /** Writes soon; what changes while a write runs goes out with the next one. */
  save(snapshot: () => Update): void {
    this.#next = snapshot;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async settled(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#next) {
      const snapshot = this.#next;
      this.#next = undefined;
      try {
        await mkdir(dirname(this.#file), { recursive: true });
        const draft = `${this.#file}.${process.pid}.draft`;
        await writeFile(draft, toBinary(UpdateSchema, snapshot()), { mode: 0o600 });
        await rename(draft, this.#file);
      } catch (error) {
        this.#log.warn({ err: error }, 'snapshot could not be saved');
      }
    }
  }
}
