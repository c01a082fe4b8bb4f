/** Files that are being written: where they are until they are whole, and how what was given up is removed. */
import { randomUUID } from 'node:crypto';
import type { Deadline } from '#common/deadline.ts';
import { joinPath, OWN_FOLDER } from '#common/files/path.ts';
import { within } from '#common/in-time.ts';
import type { RemoteClient } from './client.ts';

/** Of a process that was killed. */
const STALE_MS = 24 * 3_600_000;
const PART = '.part';
/** For one removal: nobody waits for it. */
const CLEAN_MS = 30_000;

export const partPath = (): string => joinPath(OWN_FOLDER, `${randomUUID()}${PART}`);

/** Some work on a connection that is borrowed for it. */
export type Borrow = (deadline: Deadline, work: (client: RemoteClient) => Promise<void>) => Promise<void>;

export class Parts {
  readonly #borrow: Borrow;
  readonly #givenUp = new Set<string>();
  #isSwept = false;
  #cleaning: Promise<void> | undefined;

  constructor(borrow: Borrow) {
    this.#borrow = borrow;
  }

  /** It is removed soon, or when the server is there again. */
  giveUp(part: string): void {
    this.#givenUp.add(part);
    this.clean();
  }

  /** Call it when the server can be reached: what was given up goes, and once what killed processes have left. */
  clean(): void {
    if (this.#cleaning || (this.#isSwept && this.#givenUp.size === 0)) return;
    this.#cleaning = this.#clean()
      .catch(() => {}) // tried again with the next connection
      .finally(() => {
        this.#cleaning = undefined;
      });
  }

  /** Resolves when nothing of that is under way. */
  async settled(): Promise<void> {
    await this.#cleaning;
  }

  async #clean(): Promise<void> {
    for (const part of this.#givenUp) {
      await this.#soon(async (client) => {
        if (await client.stat(part)) await client.remove(part);
      });
      this.#givenUp.delete(part);
    }
    if (this.#isSwept) return;
    this.#isSwept = true;
    await this.#soon(sweep);
  }

  #soon(work: (client: RemoteClient) => Promise<void>): Promise<void> {
    return within(CLEAN_MS, (deadline) => this.#borrow(deadline, work));
  }
}

async function sweep(client: RemoteClient): Promise<void> {
  const oldest = Date.now() - STALE_MS;
  for (const { path, isFolder } of (await client.list(OWN_FOLDER)) ?? []) {
    const { modifiedMs = Number.POSITIVE_INFINITY } = (await client.stat(path)) ?? {};
    if (modifiedMs < oldest) await (isFolder ? client.removeFolder(path) : client.remove(path));
  }
}
