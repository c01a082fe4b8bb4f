/**
 * Files in packages of the system (files-and-scripting-api §2.5): folders as `{service}/{folder}/{md5 of it}.zip`, files
 * as `{service}/{path}`. The system service, which makes the packages, knows no storages.
 */
import { createHash } from 'node:crypto';
import { type Zippable, zipSync } from 'fflate';
import { APP_PACKAGE_BYTES_MAX, APP_PACKAGE_FILES_MAX } from '#common/bounds.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import type { FileContext } from '#common/files/client.ts';
import { filePath, joinPath, nameOf, parentOf } from '#common/files/path.ts';
import { within } from '#common/in-time.ts';
import { parseJson, stringifyJson } from '#common/json.ts';
import { readZip, zipTooLarge } from '#common/zip.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { isFileService } from '../files/address.ts';
import type { FileStore } from '../files/call.ts';
import { rulesOf } from '../files/rules.ts';
import { isPublic } from '../hosting/site.ts';
import type { Handle } from '../http/inner-call.ts';
import { Api, type JsonObject } from './api.ts';
import { isObject } from './format.ts';

const MANIFEST = 'package.json';
/** Of the root of a storage, in a manifest. */
const NAMED_MAX = 1000;
const NAMED_MS = 5000;
const EXPORTS = '__EXPORTS';

export interface PackageFilesInit {
  readonly state: AccessState;
  readonly store: FileStore;
  readonly exportTimeoutMs: number;
}

/** Files of one service, by their paths; folders end with a slash. */
interface Wanted {
  readonly service: Service;
  readonly paths: readonly string[];
}

interface Member {
  readonly service: Service;
  /** Of the file, or of the folder that is packed in it. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly bytes: Uint8Array;
}

export class PackageFiles {
  readonly #init: PackageFilesInit;
  readonly #handle: Handle;

  constructor(init: PackageFilesInit, handle: Handle) {
    this.#init = init;
    this.#handle = handle;
  }

  /** A manifest with what lies in the roots of the file services, as far as the caller may see it. */
  async described(manifest: JsonObject, principal: Principal, requestId: string): Promise<JsonObject> {
    const named = isObject(manifest['service']) ? { ...manifest['service'] } : {};
    const services = Object.keys(named).flatMap((name) => this.#fileService(name) ?? []);
    await Promise.all(
      services.map(async (service) => {
        named[service.name] = await this.#names(service, principal, requestId).catch(() => []);
      }),
    );
    return { ...manifest, service: named };
  }

  /**
   * What a manifest wants of file services, and the manifest without it.
   * @throws MillraceError invalid
   */
  selected(manifest: JsonObject): { readonly wanted: readonly Wanted[]; readonly rest: JsonObject } {
    const { service: services } = manifest;
    if (!isObject(services)) return { wanted: [], rest: manifest };
    const wanted: Wanted[] = [];
    const rest: JsonObject = {};
    for (const [name, paths] of Object.entries(services)) {
      const service = this.#fileService(name);
      if (!service) rest[name] = paths;
      else wanted.push({ service, paths: pathsIn(name, paths) });
    }
    return { wanted, rest: { ...manifest, service: rest } };
  }

  /** The package with the files in it. @throws MillraceError not_found, invalid for more than a package takes */
  async added(
    archive: Uint8Array,
    wanted: readonly Wanted[],
    principal: Principal,
    requestId: string,
  ): Promise<Uint8Array> {
    const members = await unzipped(archive);
    const manifest = parseJson(members.get(MANIFEST) ?? Buffer.from('{}')) as { service?: JsonObject };
    const services: JsonObject = { ...manifest.service };
    let bytes = [...members.values()].reduce((sum, { length }) => sum + length, 0);
    for (const { service, paths } of wanted) {
      for (const path of paths) {
        const content = await this.#content(service, path, principal, requestId, APP_PACKAGE_BYTES_MAX - bytes);
        bytes += content.length;
        members.set(`${service.name}/${memberOf(path)}`, content);
      }
      services[service.name] = paths;
    }
    members.set(MANIFEST, Buffer.from(stringifyJson({ ...manifest, service: services })));
    return zipped(members);
  }

  /** The files of a package, and the package without them. @throws MillraceError invalid */
  async taken(archive: Uint8Array): Promise<{ readonly members: readonly Member[]; readonly rest: Uint8Array }> {
    const all = await unzipped(archive).catch(() => undefined);
    const own = [...(all ?? [])].flatMap(([name, bytes]) => this.#member(name, bytes) ?? []);
    // What else is wrong with it is said by whoever reads the rest.
    if (!all || own.length === 0) return { members: [], rest: archive };
    for (const name of all.keys()) if (this.#member(name, NOTHING)) all.delete(name);
    const manifest = all.get(MANIFEST);
    if (manifest) all.set(MANIFEST, this.#withoutFiles(manifest));
    return { members: own, rest: zipped(all) };
  }

  /**
   * Writes them. What is there already stays, unless it is to be overwritten.
   * @returns what became of them, by their paths with the service in front
   */
  async written(
    members: readonly Member[],
    overwrite: boolean,
    principal: Principal,
    requestId: string,
  ): Promise<{ created: string[]; skipped: string[]; failed: string[] }> {
    const api = new Api(this.#handle, principal, requestId);
    const log = { created: [] as string[], skipped: [] as string[], failed: [] as string[] };
    for (const member of members) {
      const { service, path, isFolder } = member;
      const name = `${service.name}/${path}${isFolder ? '/' : ''}`;
      try {
        const isThere = !overwrite && (await this.#exists(member, principal, requestId));
        if (!isThere) await write(member, api);
        log[isThere ? 'skipped' : 'created'].push(name);
      } catch (error) {
        log.failed.push(`${name}: ${MillraceError.from(error).message}`);
      }
    }
    return log;
  }

  /**
   * Keeps a package in a file service in place of sending it.
   * @throws MillraceError invalid for a place where everybody might read the keys and accounts in it
   */
  async stored(archive: Uint8Array, storage: unknown, filename: string, principal: Principal, requestId: string) {
    if (!isObject(storage)) throw invalid("'storage' must be an object.", { storage: ['no object'] });
    const { services, servicesByName } = this.#init.state;
    const named = storage['name'] === undefined ? undefined : servicesByName.get(String(storage['name']).toLowerCase());
    const service =
      storage['id'] === undefined ? (named ?? servicesByName.get('files')) : services.get(Number(storage['id']));
    if (!service || !isFileService(service)) {
      throw invalid("'storage' names no file service.", { storage: ['no file service'] });
    }
    const folder = filePath(String(storage['folder'] ?? storage['path'] ?? EXPORTS));
    const file = filePath(joinPath(folder, String(storage['filename'] ?? storage['file'] ?? filename)));
    if (isPublic(file, service.publicPaths)) {
      throw invalid('A package holds keys and accounts: it is not stored where everybody may read it.', {
        storage: ['is public'],
      });
    }
    const api = new Api(this.#handle, principal, requestId);
    await makeFolder(service, parentOf(file), api);
    await api.send('PUT', addressOf(service, file), archive, { 'content-type': 'application/zip' });
    return { success: true, path: `/api/v2/${addressOf(service, file)}`, is_public: false };
  }

  #fileService(name: string): Service | undefined {
    const service = this.#init.state.servicesByName.get(name.toLowerCase());
    return service?.isActive && isFileService(service) ? service : undefined;
  }

  #contextOf(service: Service, principal: Principal, requestId: string): FileContext {
    const rules = rulesOf(principal, service);
    return { service: service.name, requestId, ...(rules && { rules }) };
  }

  #names(service: Service, principal: Principal, requestId: string): Promise<string[]> {
    return within(NAMED_MS, async (deadline) => {
      const context = this.#contextOf(service, principal, requestId);
      const { entries } = await this.#init.store.list(context, { path: '' }, deadline);
      const names: string[] = [];
      for await (const group of entries) {
        for (const { path, isFolder } of group) names.push(isFolder ? `${path}/` : path);
        if (names.length >= NAMED_MAX) break;
      }
      return names.slice(0, NAMED_MAX);
    });
  }

  #content(service: Service, path: string, principal: Principal, requestId: string, bytesMax: number): Promise<Buffer> {
    return within(this.#init.exportTimeoutMs, async (deadline) => {
      const context = this.#contextOf(service, principal, requestId);
      const where = filePath(path);
      const { store } = this.#init;
      const reading = path.endsWith('/')
        ? store.pack(context, where, deadline)
        : store.read(context, { path: where }, deadline);
      const { body } = await reading;
      const pieces: Uint8Array[] = [];
      let length = 0;
      for await (const piece of body) {
        length += piece.length;
        if (length > bytesMax) throw zipTooLarge(APP_PACKAGE_BYTES_MAX);
        pieces.push(piece);
      }
      return Buffer.concat(pieces);
    });
  }

  async #exists({ service, path }: Member, principal: Principal, requestId: string): Promise<boolean> {
    const context = this.#contextOf(service, principal, requestId);
    const { entry } = await within(NAMED_MS, (deadline) => this.#init.store.stat(context, path, [], deadline));
    return entry !== undefined;
  }

  #member(name: string, bytes: Uint8Array): Member | undefined {
    const slash = name.indexOf('/');
    const service = slash > 0 ? this.#fileService(name.slice(0, slash)) : undefined;
    if (!service) return undefined;
    const path = filePath(name.slice(slash + 1));
    const folder = parentOf(path);
    const isFolder = nameOf(path) === `${digestOf(folder)}.zip` || nameOf(path) === `${digestOf(`${folder}/`)}.zip`;
    return { service, path: isFolder ? folder : path, isFolder, bytes };
  }

  #withoutFiles(manifest: Buffer): Buffer {
    const read = parseJson(manifest);
    if (!isObject(read) || !isObject(read['service'])) return manifest;
    const services = Object.entries(read['service']).filter(([name]) => !this.#fileService(name));
    return Buffer.from(stringifyJson({ ...read, service: Object.fromEntries(services) }));
  }
}

const NOTHING = new Uint8Array();

const digestOf = (folder: string): string => createHash('md5').update(folder).digest('hex');

/** @param path  a folder ends with a slash */
function memberOf(path: string): string {
  const where = filePath(path);
  return path.endsWith('/') ? joinPath(where, `${digestOf(`${where}/`)}.zip`) : where;
}

function pathsIn(service: string, paths: unknown): string[] {
  const list =
    typeof paths === 'string' ? paths.split(',') : isObject(paths) && !Object.keys(paths).length ? [] : paths;
  if (!Array.isArray(list) || !list.every((path) => typeof path === 'string' && filePath(path) !== '')) {
    throw invalid(`The manifest's '${service.slice(0, 100)}' must be a list of files, and of folders with a slash.`);
  }
  return list.map((path: string) => path.trim());
}

const unzipped = (archive: Uint8Array): Promise<Map<string, Buffer>> =>
  readZip(archive, { filesMax: APP_PACKAGE_FILES_MAX, bytesMax: APP_PACKAGE_BYTES_MAX });

function zipped(members: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const contents: Zippable = {};
  for (const [name, bytes] of members) contents[name] = [bytes, { level: name.endsWith('.json') ? 6 : 0 }];
  return zipSync(contents);
}

const addressOf = ({ name }: Service, path: string): string =>
  [name, ...path.split('/')].map(encodeURIComponent).join('/');

async function write({ service, path, isFolder, bytes }: Member, api: Api): Promise<void> {
  if (!isFolder) {
    await makeFolder(service, parentOf(path), api);
    await api.send('PUT', addressOf(service, path), bytes, { 'content-type': 'application/octet-stream' });
    return;
  }
  // Some storages name what is in a zip from their root, some from the folder.
  const names = [...(await unzipped(bytes)).keys()];
  const isFromRoot = names.length > 0 && names.every((name) => name.startsWith(`${path}/`));
  const target = isFromRoot ? `${encodeURIComponent(service.name)}/` : `${addressOf(service, path)}/`;
  await makeFolder(service, path, api);
  if (names.length === 0) return;
  const headers = { 'content-type': 'application/zip', 'x-file-name': 'package.zip' };
  await api.send('POST', `${target}?extract=true`, bytes, headers);
}

/** With those above it. One that is there is one. */
async function makeFolder(service: Service, folder: string, api: Api): Promise<void> {
  if (folder === '') return;
  await makeFolder(service, parentOf(folder), api);
  await api.send('POST', `${addressOf(service, folder)}/`).catch((error: unknown) => {
    if (!/already exists/.test(MillraceError.from(error).message)) throw error;
  });
}
