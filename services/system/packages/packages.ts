/** Packages: records of the system out of one installation and into another, by their names (system-api §5.14). */
import { create } from '@bufbuild/protobuf';
import { invalid, MillraceError } from '#common/errors.ts';
import { parseJson, stringifyJson } from '#common/json.ts';
import { type Caller, CallerSchema } from '#proto/data/v1/data_pb.ts';
import type {
  ExportPackageRequest,
  ImportOptions,
  ImportPackageRequest,
  PackageRequest,
  WriteConfigRequest,
} from '#proto/system/v1/system_pb.ts';
import { type Changes, EVERYTHING } from '../changes.ts';
import type { Db } from '../database/open.ts';
import { isObject } from '../records/input.ts';
import type { Context, JsonObject, Tools } from '../records/model.ts';
import { objectOf } from '../users/account/input.ts';
import { readArchive, writeArchive } from './archive.ts';
import { Collector } from './collect.ts';
import { configAnswer, configDocument, readConfigDocument } from './config-document.ts';
import { KINDS } from './kinds.ts';
import { fileOf, isPackageFile, MANIFEST_FILE, manifestOf, readManifest, readSelection } from './manifest.ts';
import { type MergeInput, type MergeLog, Merger } from './merge.ts';
import { Seal } from './seal.ts';

export class Packages {
  readonly #changes: Changes;
  readonly #tools: Tools;

  constructor(changes: Changes, tools: Tools) {
    this.#changes = changes;
    this.#tools = tools;
  }

  /** Names alone, so whoever was given the resource may see them. */
  async describe({ systemOnly, caller }: PackageRequest): Promise<JsonObject> {
    const { db } = this.#changes;
    const collector = new Collector(this.#context(db, caller));
    const contents: Record<string, string[]> = {};
    for (const kind of KINDS) contents[kind.name] = await collector.names(kind);
    if (systemOnly) return manifestOf({ contents });
    const services = await db.selectFrom('service').select('name').where('is_active', '=', 1).orderBy('id').execute();
    return manifestOf({ contents, services: services.map(({ name }) => name) });
  }

  /** @returns a zip file. @throws MillraceError denied, invalid, not_found */
  async export({ manifestJson, caller }: ExportPackageRequest): Promise<Uint8Array> {
    requireAdmin(caller);
    const manifest = objectOf(manifestJson);
    const selected = readSelection(manifest);
    const seal = manifest['secured'] === true ? await Seal.make(manifest['password']) : undefined;
    const files = await this.#atOneMoment(async (trx) => {
      const collector = new Collector(this.#context(trx, caller), seal);
      const found = new Map<string, JsonObject[]>();
      for (const { kind, wanted } of selected) found.set(kind.name, await collector.records(kind, wanted));
      return found;
    });
    const contents = Object.fromEntries(
      selected.map(({ kind }) => [kind.name, (files.get(kind.name) ?? []).map((record) => String(record[kind.key]))]),
    );
    const header = manifestOf({ contents, description: manifest['description'], seal: seal?.header });
    const texts = selected.map(({ kind }) => [fileOf(kind), stringifyJson(files.get(kind.name))] as const);
    return writeArchive(new Map([[MANIFEST_FILE, stringifyJson(header)], ...texts]));
  }

  /** @throws MillraceError denied, invalid; nothing was imported then */
  async import({ archive, password, options }: ImportPackageRequest): Promise<JsonObject> {
    requireAdmin(options?.caller);
    const files = await readArchive(archive, isPackageFile);
    const manifest = files.get(MANIFEST_FILE);
    if (!manifest) throw invalid(`The package holds no ${MANIFEST_FILE}.`);
    const { kinds, secured, seal: header } = readManifest(jsonOf(MANIFEST_FILE, manifest));
    const seal = secured ? await Seal.of(header, password) : undefined;
    const inputs = KINDS.flatMap((kind): MergeInput[] => {
      const name = fileOf(kind);
      const file = files.get(name);
      if (!file && kinds.includes(kind)) throw invalid(`The package's manifest speaks of ${name}, which is missing.`);
      return file ? [{ kind, records: recordsOf(name, file) }] : [];
    });
    const log = await this.#merge(inputs, options, seal);
    return { success: true, log, ...(options?.dryRun && { dry_run: true }) };
  }

  /** @throws MillraceError denied */
  async readConfig({ caller }: PackageRequest): Promise<JsonObject> {
    requireAdmin(caller);
    return this.#atOneMoment((trx) => configDocument(new Collector(this.#context(trx, caller))));
  }

  /** @throws MillraceError denied, invalid; nothing was imported then */
  async writeConfig({ configJson, options }: WriteConfigRequest): Promise<JsonObject> {
    requireAdmin(options?.caller);
    const log = await this.#merge(readConfigDocument(objectOf(configJson)), options);
    return { ...configAnswer(log), ...(options?.dryRun && { dry_run: true }) };
  }

  /** All or nothing; a dry run does all of it, and then takes it back. */
  async #merge(inputs: readonly MergeInput[], options: ImportOptions | undefined, seal?: Seal): Promise<MergeLog> {
    const { overwrite = false, dryRun = false, caller, requestId = '' } = options ?? {};
    const work = async (db: Db): Promise<MergeLog> => {
      const merger = new Merger(this.#context(db, caller, requestId), overwrite, seal);
      await merger.merge(inputs);
      return merger.log;
    };
    if (!dryRun) return this.#changes.commit(EVERYTHING, work);
    let log: MergeLog | undefined;
    const undone = new Error('dry run');
    await this.#changes.db
      .transaction()
      .execute(async (trx) => {
        log = await work(trx);
        throw undone;
      })
      .catch((error: unknown) => {
        if (error !== undone) throw error;
      });
    return log!;
  }

  /** All that is read is of the same state, whatever changes meanwhile. */
  #atOneMoment<T>(read: (db: Db) => Promise<T>): Promise<T> {
    return this.#changes.db.transaction().setIsolationLevel('repeatable read').execute(read);
  }

  #context(db: Db, caller: Caller | undefined, requestId = ''): Context {
    const known = caller ?? create(CallerSchema);
    const tools = this.#tools;
    return { db, caller: known, requestId: requestId || null, tools, dropped: new Set(), afterwards: [] };
  }
}

/** A package holds keys, accounts and rights: a role that may use the resource would hold all of them. */
function requireAdmin(caller: Caller | undefined): void {
  if (!caller?.isAdmin) throw new MillraceError('denied', 'Only an administrator can export and import packages.');
}

function recordsOf(name: string, bytes: Uint8Array): JsonObject[] {
  const records = jsonOf(name, bytes);
  if (!Array.isArray(records) || !records.every(isObject))
    throw invalid(`${name} of the package is no list of records.`);
  return records;
}

function jsonOf(name: string, bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes);
  } catch (cause) {
    throw new MillraceError('invalid', `${name} of the package is no JSON.`, undefined, cause);
  }
}
