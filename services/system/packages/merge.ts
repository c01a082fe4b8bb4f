/** Records on their way in: found by their names, and created or changed by the same rules as those of clients. */
import { type SqlBool, sql } from 'kysely';
import { invalid, MillraceError } from '#common/errors.ts';
import { allOf } from '../records/filter.ts';
import { isObject } from '../records/input.ts';
import type { Context, JsonObject, Key, Model, Relation, Row } from '../records/model.ts';
import { selectRows } from '../records/store.ts';
import { createRecord, updateRecord } from '../records/write.ts';
import { carried } from './collect.ts';
import { NAMED_BY, type PackageKind, type PackagePart, referenceName, SEALED } from './kinds.ts';
import type { Seal } from './seal.ts';
import { restoreUser, withSecrets } from './secrets.ts';

/** Names of records by what became of them, and by their kind. */
export interface MergeLog {
  readonly created: Record<string, string[]>;
  readonly updated: Record<string, string[]>;
  readonly skipped: Record<string, string[]>;
}

export interface MergeInput {
  readonly kind: PackageKind;
  readonly records: readonly JsonObject[];
}

/** A record as it is written, and what of it is written apart. */
interface Unpacked {
  readonly record: JsonObject;
  readonly secrets: JsonObject;
}

export class Merger {
  readonly log: MergeLog = { created: {}, updated: {}, skipped: {} };
  readonly #context: Context;
  readonly #overwrite: boolean;
  readonly #seal: Seal | undefined;

  /** @param context.db  the transaction that all of it is written in */
  constructor(context: Context, overwrite: boolean, seal?: Seal) {
    this.#context = context;
    this.#overwrite = overwrite;
    this.#seal = seal;
  }

  /** @param inputs  in the order of their kinds. @throws MillraceError that names the record; nothing must be kept then */
  async merge(inputs: readonly MergeInput[]): Promise<void> {
    for (const { kind, records } of inputs) {
      const seen = new Set<string>();
      for (const record of records) {
        const name = record[kind.key];
        if (typeof name !== 'string' || name === '') throw invalid(`A record of ${kind.name} has no ${kind.key}.`);
        if (seen.has(name.toLowerCase())) throw invalid(`The ${kind.name} '${name}' is there twice.`);
        seen.add(name.toLowerCase());
        await this.#one(kind, name, record).catch((thrown: unknown) => {
          const { code, message, context, cause } = MillraceError.from(thrown);
          throw new MillraceError(code, `${kind.name} '${name}': ${message} Nothing was imported.`, context, cause);
        });
      }
    }
  }

  async #one(kind: PackageKind, name: string, sent: JsonObject): Promise<void> {
    const { db, tools } = this.#context;
    const model = tools.model(kind.name);
    const [current] = await selectRows(db, model, isNamed(kind.key, name));
    if (current && (!this.#overwrite || kind.isFixed?.(current))) {
      this.#note('skipped', kind, name);
      return;
    }
    const owner = `${kind.name}/${name}`;
    const { record, secrets } = await this.#unpack(model, sent, owner);
    for (const part of kind.parts ?? []) {
      const relation = model.relations.find((each) => each.name === part.relation)!;
      const parts = await this.#parts(relation, part, sent[part.name], owner, current?.[model.key] as Key | undefined);
      if (parts !== undefined) record[relation.name] = parts;
    }
    let key = current?.[model.key] as Key | undefined;
    if (key === undefined) key = await createRecord(model, record, this.#context);
    else await updateRecord(model, key, record, this.#context);
    if (model.table === 'user') await restoreUser(Number(key), current, sent, secrets, this.#context);
    this.#note(current ? 'updated' : 'created', kind, name);
  }

  /** Only columns that travel, with ids of this installation in the place of names. */
  async #unpack(model: Model, sent: JsonObject, owner: string, parent?: string): Promise<Unpacked> {
    const record: JsonObject = {};
    for (const { name, reference } of carried(model)) {
      if (name === parent) continue;
      const value = sent[reference ? referenceName(name) : name];
      if (value === undefined) continue;
      record[name] = reference && value !== null ? await this.#idOf(reference, value) : value;
    }
    const secrets = this.#seal && SEALED in sent ? this.#seal.open(owner, sent[SEALED]) : {};
    return { record: withSecrets(model.table, record, secrets), secrets };
  }

  /** @throws MillraceError invalid: what is not there never becomes "all" or "none" */
  async #idOf(table: string, name: unknown): Promise<number> {
    const key = NAMED_BY[table]!;
    const { rows } = await sql<{ id: number }>`
      select id from ${sql.table(table)} where ${isNamed(key, String(name))}`.execute(this.#context.db);
    if (rows.length === 0) throw invalid(`It refers to the ${table} '${name}', which is not there.`);
    return Number(rows[0]!.id);
  }

  /** For a record that is there: those that stay, change and go. @returns undefined where the package has none */
  async #parts(
    relation: Relation,
    part: PackagePart,
    sent: unknown,
    owner: string,
    key: Key | undefined,
  ): Promise<unknown> {
    const isOne = relation.kind === 'has_one';
    if (sent === undefined || (isOne && sent === null)) return undefined;
    const list = isOne ? [sent] : sent;
    if (!Array.isArray(list) || !list.every(isObject)) throw invalid(`Its '${part.name}' is no list of records.`);
    const { db, tools } = this.#context;
    const other = tools.model(relation.model);
    const there =
      key === undefined || isOne ? [] : await selectRows(db, other, sql<SqlBool>`${sql.ref(relation.column)} = ${key}`);
    const records: JsonObject[] = [];
    for (const [at, each] of list.entries()) {
      const { record } = await this.#unpack(other, each, `${owner}/${part.name}/${at}`, relation.column);
      const same = part.sameBy && there.find((row) => row[part.sameBy!] === record[part.sameBy!]);
      records.push(same ? { id: same['id'], ...record } : record);
    }
    if (isOne) return records[0];
    return part.sameBy ? records : [...there.map((row) => gone(row, relation)), ...records];
  }

  #note(what: keyof MergeLog, { name: kind }: PackageKind, name: string): void {
    const names = this.log[what][kind];
    if (names) names.push(name);
    else this.log[what][kind] = [name];
  }
}

const isNamed = (key: string, name: string) => allOf([sql<SqlBool>`lower(${sql.ref(key)}) = lower(${name})`]);

/** Sent with no parent, a record is deleted (system-api §6.5). */
const gone = (row: Row, { column }: Relation): JsonObject => ({ id: row['id'], [column]: null });
