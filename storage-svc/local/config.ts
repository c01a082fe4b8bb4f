/** The settings of a local service: what an administrator is asked, and which folder that is. */
import { isAbsolute, join, resolve, sep } from 'node:path';
import type { ConfigField } from '#common/config/field.ts';
import { text, wrongSetting } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { invalid } from '#common/errors.ts';
import { containerFields } from '../container-fields.ts';

export const configFields: readonly ConfigField[] = containerFields(
  'Root folder, made where there is none. A relative path starts at the storage folder within the data folder.',
);

export interface LocalConfig {
  /** Absolute. */
  readonly root: string;
  /** Absolute; secrets of ours are in it. */
  readonly dataDir: string;
}

/** Within the data folder; relative containers start here. */
const STORAGE_FOLDER = 'storage';
/** What clients of the original write for the container of the first file service. */
const DEFAULT_NAMES: ReadonlySet<string> = new Set(['', 'local']);
const DEFAULT_FOLDER = 'app';

/** Of the system, and everything in them. */
const REFUSED = ['/bin', '/sbin', '/lib', '/lib64', '/lib32', '/libx32', '/dev', '/etc', '/proc', '/sys', '/boot'];

/** @throws MillraceError invalid */
export function readLocalConfig(config: ServiceConfig, dataDir: string): LocalConfig {
  const container = text(config, 'container') ?? '';
  const data = resolve(dataDir);
  if (isAbsolute(container)) {
    const root = resolve(container);
    requireRoot(root, data);
    return { root, dataDir: data };
  }
  const storage = join(data, STORAGE_FOLDER);
  const root = resolve(storage, DEFAULT_NAMES.has(container) ? DEFAULT_FOLDER : container);
  if (!isWithin(root, storage))
    throw wrongSetting('container', 'a folder within the storage folder, or an absolute path');
  return { root, dataDir: data };
}

/** For the path that was asked for, and for the one that it is behind all links. @throws MillraceError invalid */
export function requireRoot(root: string, dataDir: string): void {
  const isOfSystem = root === resolve('/') || REFUSED.some((folder) => isWithin(root, folder));
  const isOurs = isWithin(dataDir, root) || (isWithin(root, dataDir) && !isWithin(root, join(dataDir, STORAGE_FOLDER)));
  if (isOfSystem)
    throw invalid("Setting 'container' must not be a folder of the operating system.", { field: 'container' });
  if (isOurs) throw invalid("Setting 'container' must not be a folder with our own data.", { field: 'container' });
}

/** The folder itself is within it. Both absolute and normal. */
export const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
