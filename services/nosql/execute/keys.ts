/** Which documents identifiers name: by the key of the table, or by other fields that the caller identifies them by. */
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { type Key, KeyReader } from '#common/records/keys.ts';
import { plainValue } from '#common/records/values.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { keyFields } from '#common/schema/find.ts';
import { Comparator, type Operation, type Value } from '#proto/data/v1/data_pb.ts';
import type { Document, StoredDocument, Wire } from '../document.ts';
import type { Condition, DocumentKey, StoreTable } from '../engine.ts';
import { coercionOf, sensesOf } from '../plan/coerce.ts';
import { joinAll, joinAny } from '../plan/conditions.ts';
import { predicateOf } from '../residual/evaluate.ts';
import { type ServiceContext, storedOf } from './context.ts';
import { scan } from './scan.ts';

export type WireKey = Key<Wire>;
export type GoodKey = Exclude<WireKey, { error: unknown }>;

export class Finder {
  readonly reader: KeyReader<Wire>;
  readonly stored: StoreTable;
  readonly #fields: readonly FieldView[];
  readonly #isPrimary: boolean;
  readonly #context: ServiceContext;

  constructor(table: TableView, idField: readonly string[], context: ServiceContext) {
    this.#context = context;
    this.stored = storedOf(table, context);
    this.#fields = keyFields(table, idField);
    const names = this.stored.key.map(({ name }) => name);
    this.#isPrimary = names.length === this.#fields.length && this.#fields.every((field, i) => field.name === names[i]);
    this.reader = new KeyReader(this.#fields, (field) => this.#coercionOf(field));
  }

  #coercionOf(field: FieldView): (value: unknown) => Wire {
    const key = this.stored.key.find(({ name }) => name === field.name);
    const coerce = coercionOf(field);
    // Paths know texts only; a key that holds texts holds those of numbers, too.
    if (key?.type !== 'string' && key?.type !== 'binary') return coerce;
    return (value) => {
      if (value === null || typeof value === 'string') return value;
      if (typeof value === 'object')
        throw invalid(`Field '${field.wireName}' must be text.`, { field: field.wireName });
      return String(value);
    };
  }

  /** One document for each of the keys, undefined where there is none or the condition hides it. */
  async find(
    keys: readonly GoodKey[],
    condition: Condition | undefined,
    fields: readonly string[] | undefined,
    deadline: Deadline,
  ): Promise<(StoredDocument | undefined)[]> {
    if (keys.length === 0) return [];
    const { source, engine, points } = this.#context;
    const wanted = condition ? undefined : fields;
    if (!this.#isPrimary) return this.#search(keys, condition, deadline);
    const [first] = keys;
    const found =
      keys.length === 1 && first
        ? [await points.read(this.stored, first.params, wanted, deadline)]
        : await source.get(
            this.stored,
            keys.map(({ params }) => params),
            wanted,
            deadline,
          );
    if (!condition) return found;
    const admits = predicateOf(condition, engine.pushdown.elements ?? false);
    return found.map((one) => (one && admits(one.members()) ? one : undefined));
  }

  async #search(
    keys: readonly GoodKey[],
    condition: Condition | undefined,
    deadline: Deadline,
  ): Promise<(StoredDocument | undefined)[]> {
    const { engine } = this.#context;
    const equal = keys.map(({ params }) => this.#equal(params));
    const parts = condition ? [joinAny(equal), condition] : [joinAny(equal)];
    const wanted = { table: this.stored, condition: joinAll(parts), order: [], offset: 0, limit: undefined };
    const tests = equal.map((one) => predicateOf(one, engine.pushdown.elements ?? false));
    const places: (StoredDocument | undefined)[] = keys.map(() => undefined);
    for await (const one of scan({ ...wanted, fields: undefined }, this.#context, deadline)) {
      const members = one.members();
      for (const [i, test] of tests.entries()) if (!places[i] && test(members)) places[i] = one;
    }
    return places;
  }

  #equal(params: readonly Wire[]): Condition {
    const { senses } = this.#context.engine;
    return joinAll(
      this.#fields.map((field, i): Condition => {
        const param = params[i] as Wire;
        const value = { kind: { case: 'text', value: String(param) } } as Value;
        const operands = typeof param === 'string' ? sensesOf(value, field, senses) : [param];
        const comparator = operands.length === 1 ? Comparator.EQ : Comparator.IN;
        return { kind: 'compare', field: field.name, comparator, operands };
      }),
    );
  }

  /** The key that the store knows the document by. */
  async keysOf(
    keys: readonly GoodKey[],
    condition: Condition | undefined,
    deadline: Deadline,
  ): Promise<({ key: DocumentKey; document: StoredDocument } | undefined)[]> {
    const found = await this.find(keys, condition, undefined, deadline);
    return found.map((document) => document && { key: this.keyOf(document.members()), document });
  }

  keyOf(members: Document): DocumentKey {
    return this.stored.key.map(({ name }) => members[name] ?? null);
  }

  /** Is the identifier the key as the store has it? The digits of a path may be a number or a text there. */
  isExact({ params }: GoodKey): boolean {
    const isOpen = (param: Wire, i: number): boolean =>
      this.stored.key[i]?.type === 'any' && typeof param === 'string' && /^-?\d+$/.test(param);
    return this.#isPrimary && !params.some(isOpen);
  }

  one(operation: Operation): GoodKey {
    const value = operation.keys[0];
    if (value && plainValue(value) === '') throw invalid('The identifier is empty.');
    return this.reader.one(value);
  }
}

/** Of the same keys as the members have them. */
export function withKey(members: Document, key: DocumentKey, { key: fields }: StoreTable): Document {
  const keyed: Record<string, Wire> = Object.create(null);
  for (const [i, { name }] of fields.entries()) keyed[name] = key[i] as Wire;
  return Object.assign(keyed, { ...members }, Object.fromEntries(fields.map(({ name }, i) => [name, key[i]])));
}
