/**
 * The only way from our paths to those of the operating system. Links are followed within the root and never out of it.
 *
 * A folder is opened, and where it is behind all links is looked at afterwards; then what is in it is reached through
 * the opened folder (on Linux by /proc/self/fd, as openat does it), so that nobody who changes a link meanwhile leads us
 * astray. Where there is no /proc the path is looked at before its use, and such a race could be lost: only who has
 * an account on the machine can enter it, as nothing of ours makes links.
 */
import { constants, existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, readlink, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { nameOf, OWN_FOLDER, parentOf } from '#common/files/path.ts';
import { isWithin, type LocalConfig, requireRoot } from './config.ts';
import { errnoOf, isAbsence, rootMissing, translate } from './errors.ts';

const { O_DIRECTORY, O_RDONLY } = constants;
const FDS = '/proc/self/fd';
const HAS_FDS = existsSync(FDS);

/** A folder that stays what it is until it is closed. */
export interface OpenFolder {
  /** For the operating system: what is in the folder is behind this and a slash. */
  readonly at: string;
  close(): Promise<void>;
}

export class Root {
  readonly #config: LocalConfig;
  readonly #prepare: (root: string) => Promise<void>;
  #real: Promise<string> | undefined;

  /** @param prepare  done once, before the root is first used */
  constructor(config: LocalConfig, prepare: (root: string) => Promise<void>) {
    this.#config = config;
    this.#prepare = prepare;
  }

  /** The root behind all links. @throws MillraceError invalid where it may not be one */
  real(): Promise<string> {
    this.#real ??= this.#opened().catch((error: unknown) => {
      this.#real = undefined;
      throw isAbsence(error) || errnoOf(error) === 'EEXIST' ? rootMissing() : translate(error);
    });
    return this.#real;
  }

  async #opened(): Promise<string> {
    await mkdir(this.#config.root, { recursive: true });
    const [root, dataDir] = await Promise.all([
      realpath(this.#config.root),
      realpath(this.#config.dataDir).catch(() => this.#config.dataDir),
    ]);
    requireRoot(root, dataDir);
    await this.#prepare(root);
    return root;
  }

  /** @throws the operating system's ENOENT or ENOTDIR where there is no folder, ENOENT where it is outside */
  async openFolder(folder: string): Promise<OpenFolder> {
    const root = await this.real();
    const path = join(root, folder);
    const handle = await open(path, O_RDONLY | (O_DIRECTORY ?? 0)).catch((error: unknown) => {
      throw folder === '' && isAbsence(error) ? rootMissing() : error;
    });
    try {
      const at = HAS_FDS ? `${FDS}/${handle.fd}` : await realpath(path);
      if (folder !== '') requireInside(HAS_FDS ? await readlink(at) : at, root, folder);
      return { at, close: () => handle.close() };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Work with the path of something whose folder stays what it is meanwhile. */
  async at<T>(path: string, work: (at: string) => Promise<T>): Promise<T> {
    const folder = await this.openFolder(parentOf(path));
    try {
      return await work(path === '' ? folder.at : `${folder.at}/${nameOf(path)}`);
    } finally {
      await folder.close();
    }
  }

  /** Where a link leads, as a path of ours; undefined: nowhere, or out of the root. */
  async target(link: string): Promise<string | undefined> {
    const root = await this.real();
    try {
      const real = await realpath(join(root, link));
      requireInside(real, root, link);
      return relative(root, real).split(sep).join('/');
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }
}

/** For the operating system: the path of an opened file. Without /proc there is none that is safe. */
export const pathOfOpen = (handle: FileHandle): string | undefined => (HAS_FDS ? `${FDS}/${handle.fd}` : undefined);

/** Links into our own folder are no way into it. */
function requireInside(real: string, root: string, asked: string): void {
  const own = join(root, OWN_FOLDER);
  const isInside = isWithin(real, root) && (!isWithin(real, own) || asked.startsWith(OWN_FOLDER));
  if (!isInside) throw Object.assign(new Error('outside of the root'), { code: 'ENOENT' });
}
