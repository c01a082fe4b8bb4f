/** Records on their way out: without ids, with names for what they refer to, and with their parts. */
import { sql } from 'kysely';
import { notFound } from '#common/errors.ts';
import { ALWAYS } from '../records/filter.ts';
import { type Column, type Context, isReadable, type JsonObject, type Model, type Row } from '../records/model.ts';
import { recordOf } from '../records/present.ts';
import { selectRows } from '../records/store.ts';
import { NAMED_BY, type PackageKind, type PackagePart, referenceName, SEALED, SECRETS_OF } from './kinds.ts';
import type { Seal } from './seal.ts';

/** Columns that travel: what a client may write and read. */
export const carried = (model: Model): Column[] =>
  model.columns.filter((column) => isReadable(column) && column.access !== 'read_only' && !column.virtual);

export class Collector {
  readonly #context: Context;
  readonly #seal: Seal | undefined;
  readonly #names = new Map<string, Map<unknown, unknown>>();

  /** @param seal  without one, secrets stay behind */
  constructor(context: Context, seal?: Seal) {
    this.#context = context;
    this.#seal = seal;
  }

  /** Names of all records of a kind. */
  async names(kind: PackageKind): Promise<string[]> {
    return (await this.#rows(kind)).map((row) => String(row[kind.key]));
  }

  /** @param wanted  names or ids; undefined: all. @throws MillraceError not_found */
  async records(kind: PackageKind, wanted?: readonly unknown[]): Promise<JsonObject[]> {
    const rows = await this.#rows(kind);
    const isNamed = (row: Row, name: unknown): boolean =>
      typeof name === 'number'
        ? row['id'] === name
        : String(row[kind.key]).toLowerCase() === String(name).toLowerCase();
    for (const name of wanted ?? []) {
      if (!rows.some((row) => isNamed(row, name))) throw notFound(`There is no ${kind.name} '${name}' to be exported.`);
    }
    const chosen = wanted ? rows.filter((row) => wanted.some((name) => isNamed(row, name))) : rows;
    const model = this.#context.tools.model(kind.name);
    const records: JsonObject[] = [];
    for (const row of chosen) records.push(await this.#record(model, row, `${kind.name}/${row[kind.key]}`));
    for (const part of kind.parts ?? []) await this.#addParts(model, kind, part, chosen, records);
    return records;
  }

  async #rows(kind: PackageKind): Promise<Row[]> {
    const { db, tools } = this.#context;
    const rows = await selectRows(db, tools.model(kind.name), ALWAYS);
    return rows.filter((row) => !kind.isFixed?.(row));
  }

  async #addParts(
    model: Model,
    kind: PackageKind,
    { name, relation: relationName }: PackagePart,
    rows: readonly Row[],
    records: readonly JsonObject[],
  ): Promise<void> {
    const { db, tools } = this.#context;
    const relation = model.relations.find((each) => each.name === relationName)!;
    const other = tools.model(relation.model);
    const byOwner = new Map<unknown, Row[]>();
    for (const row of await selectRows(db, other, ALWAYS)) {
      const siblings = byOwner.get(row[relation.column]);
      if (siblings) siblings.push(row);
      else byOwner.set(row[relation.column], [row]);
    }
    for (const [index, row] of rows.entries()) {
      const own: JsonObject[] = [];
      for (const [at, part] of (byOwner.get(row[model.key]) ?? []).entries()) {
        own.push(await this.#record(other, part, `${kind.name}/${row[kind.key]}/${name}/${at}`, relation.column));
      }
      records[index]![name] = relation.kind === 'has_one' ? (own[0] ?? null) : own;
    }
  }

  /** @param owner  what its secrets are bound to; @param parent  the column that its place tells */
  async #record(model: Model, row: Row, owner: string, parent?: string): Promise<JsonObject> {
    const { tools } = this.#context;
    const columns = carried(model).filter(({ name }) => name !== parent);
    const record: JsonObject = {};
    for (const [name, value] of Object.entries(recordOf(row, columns, tools))) {
      const table = columns.find((column) => column.name === name)?.reference;
      if (table) record[referenceName(name)] = (await this.#namesOf(table)).get(value) ?? null;
      else record[name] = value;
    }
    if (model.table === 'service') record['config'] = withoutId(record['config'] as JsonObject);
    if (model.table === 'user') record['confirmed'] = row['is_confirmed'] === 1;
    const secrets = this.#seal ? (SECRETS_OF[model.table]?.(row, tools) ?? {}) : {};
    if (this.#seal && Object.keys(secrets).length > 0) record[SEALED] = this.#seal.seal(owner, secrets);
    return record;
  }

  async #namesOf(table: string): Promise<ReadonlyMap<unknown, unknown>> {
    const known = this.#names.get(table);
    if (known) return known;
    const key = NAMED_BY[table]!;
    const { rows } = await sql<{
      id: unknown;
      name: unknown;
    }>`select id, ${sql.ref(key)} as name from ${sql.table(table)}`.execute(this.#context.db);
    const names = new Map(rows.map(({ id, name }) => [Number(id) as unknown, name]));
    this.#names.set(table, names);
    return names;
  }
}

function withoutId({ service_id: _, ...config }: JsonObject): JsonObject {
  return config;
}
