/** Reads and writes as requests of DynamoDB. */
import type { QueryCommandInput, TableDescription } from '@aws-sdk/client-dynamodb';
import { invalid } from '#common/errors.ts';
import { asBuffer, JsonNumber, parseJson, stringifyJson } from '#common/json.ts';
import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { BoundComparison, Condition, DocumentKey, KeyField, StoreQuery, StoreTable, Write } from '../engine.ts';
import { narrowed } from '../narrow.ts';
import { isNever } from '../plan/conditions.ts';
import { canCompare, isBinary, joined, kindOf, type Piece, Placeholders, pieceOf } from './expression.ts';
import { type Attributes, attributeOf, attributesOf, documentOf } from './types.ts';

/** Bytes of one expression, and what stands between its operands. */
const EXPRESSION_BYTES_MAX = 4096;
const OPERATORS_MAX = 300;
const OPERATORS = / AND | OR |NOT |[<>=]+|\bIN\b|\w+\(/g;

/** How a read is carried out. */
export interface Reading {
  /** Of one partition, of the whole table, or of what cannot be. */
  readonly kind: 'query' | 'scan' | 'nothing';
  readonly input: Omit<QueryCommandInput, 'Select'>;
  /** What a request cannot say: decided for the documents that it gives. */
  readonly rest: Condition | undefined;
  /** Whose values are the cursor. */
  readonly cursorFields: readonly string[];
}

interface Path {
  readonly index: string | undefined;
  readonly hash: KeyField;
  readonly range: KeyField | undefined;
  readonly isConsistent: boolean;
}

export function readingOf(table: StoreTable, query: Pick<StoreQuery, 'condition' | 'fields'>): Reading {
  const types = keyTypes((table.native ?? {}) as Partial<TableDescription>);
  const condition = query.condition && narrowed(query.condition, (field) => types.get(field));
  const parts = partsOf(condition);
  const found = bestPath(table, parts);
  const given = new Placeholders();
  const used = new Set(found?.used ?? []);
  const keyNames = found ? [found.path.hash.name, ...(found.path.range ? [found.path.range.name] : [])] : [];
  const cannot = (part: Condition): boolean => found !== undefined && mentions(part, keyNames);
  const left = parts.filter((part) => !used.has(part));
  const keyPiece = found && joined('and', found.pieces(given));
  const filter = fitting(
    left.filter((part) => !cannot(part)),
    given,
  );
  const rest = [...left.filter(cannot), ...filter.rest];
  const cursorFields = [...new Set([...table.key.map(({ name }) => name), ...keyNames])];
  const fields = rest.length > 0 ? undefined : query.fields;
  const input = {
    TableName: table.name,
    ...(found?.path.index !== undefined && { IndexName: found.path.index }),
    ...(found?.path.isConsistent !== false && { ConsistentRead: true }),
    ...(keyPiece && { KeyConditionExpression: keyPiece.text }),
    ...(filter.piece && { FilterExpression: filter.piece.text }),
    ...(fields && { ProjectionExpression: projectionOf([...cursorFields, ...fields], given) }),
    ...given.entries(),
  };
  const kind = condition && isNever(condition) ? 'nothing' : found ? 'query' : 'scan';
  return { kind, input, rest: conditionOf(rest), cursorFields };
}

export function projectionOf(fields: readonly string[], given: Placeholders): string {
  // A name with dots is a path, or the name of a member: both come.
  const names = fields.flatMap((field) => (field.includes('.') ? [field, field.split('.')[0] as string] : [field]));
  return [...new Set(names.filter((name) => name !== ''))].map((name) => given.name(name)).join(', ');
}

/** What stands in one request; the rest is too long for it. */
function fitting(parts: readonly Condition[], given: Placeholders): { piece: Piece | undefined; rest: Condition[] } {
  const pieces: Piece[] = [];
  const rest: Condition[] = [];
  for (const part of parts) {
    // Placeholders that no expression has are refused, so a part that does not fit must not have made any.
    const { text } = joined('and', [...pieces, pieceOf(part, new Placeholders())]);
    // Numbers of placeholders grow by a few digits.
    const isFitting = text.length * 1.4 < EXPRESSION_BYTES_MAX && (text.match(OPERATORS)?.length ?? 0) < OPERATORS_MAX;
    if (isFitting) pieces.push(pieceOf(part, given));
    else rest.push(part);
  }
  return { piece: pieces.length > 0 ? joined('and', pieces) : undefined, rest };
}

const partsOf = (condition: Condition | undefined): readonly Condition[] =>
  condition === undefined ? [] : condition.kind === 'all' ? condition.of : [condition];

const conditionOf = (parts: readonly Condition[]): Condition | undefined =>
  parts.length > 1 ? { kind: 'all', of: parts } : parts[0];

function mentions(condition: Condition, names: readonly string[]): boolean {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of.some((part) => mentions(part, names));
    case 'not':
      return mentions(condition.of, names);
    case 'compare':
      return names.includes(condition.field);
    case 'native':
      return false;
  }
}

interface Found {
  readonly path: Path;
  readonly used: readonly Condition[];
  readonly pieces: (given: Placeholders) => Piece[];
}

/** The whole key before a partition, the table before its indexes. */
function bestPath(table: StoreTable, parts: readonly Condition[]): Found | undefined {
  let best: Found | undefined;
  for (const path of pathsOf(table)) {
    const hash = parts.find((part) => isKeyComparison(part, path.hash, [Comparator.EQ]));
    if (!hash) continue;
    const range = path.range ? rangeOf(parts, path.range) : undefined;
    // An item without the sort key of an index is not in the index.
    if (path.index !== undefined && path.range && !range) continue;
    const used = [hash, ...(range?.used ?? [])];
    if (best && best.used.length >= used.length) continue;
    const pieces = (given: Placeholders) => [pieceOf(hash, given), ...(range ? [range.piece(given)] : [])];
    best = { path, used, pieces };
  }
  return best;
}

function rangeOf(parts: readonly Condition[], range: KeyField) {
  const by = (...comparators: Comparator[]) => parts.find((part) => isKeyComparison(part, range, comparators));
  const whole = by(Comparator.EQ, Comparator.BETWEEN);
  const [low, high] = whole ? [] : [by(Comparator.GE), by(Comparator.LE)];
  const pair = low && high && isOrderedPair(operandOf(low), operandOf(high)) ? [low, high] : undefined;
  const one = whole ?? by(Comparator.GT, Comparator.GE, Comparator.LT, Comparator.LE, Comparator.STARTS_WITH);
  if (!pair && !one) return undefined;
  const operands = pair ? [operandOf(pair[0] as Condition), operandOf(pair[1] as Condition)] : undefined;
  const between =
    operands ?? ((one as BoundComparison).comparator === Comparator.BETWEEN && (one as BoundComparison).operands);
  return {
    used: pair ?? [one as Condition],
    piece: (given: Placeholders): Piece =>
      between
        ? {
            binds: 'atom',
            text: `${given.name(range.name)} BETWEEN ${between.map((operand) => given.value(operand)).join(' AND ')}`,
          }
        : pieceOf(one as Condition, given),
  };
}

const operandOf = (part: Condition): Wire => (part as BoundComparison).operands[0] ?? null;

function isKeyComparison(part: Condition, key: KeyField, comparators: readonly Comparator[]): part is BoundComparison {
  if (part.kind !== 'compare' || part.field !== key.name || !comparators.includes(part.comparator)) return false;
  const { operands } = part;
  if (!canCompare(part, [key.name]) || !operands.every((one) => isOfKeyType(one, key))) return false;
  return part.comparator !== Comparator.BETWEEN || isOrderedPair(operands[0] ?? null, operands[1] ?? null);
}

/** Keys are never empty. */
const isOfKeyType = (value: Wire, { type }: KeyField): boolean =>
  type === 'binary' ? isBinary(value) && value !== null : kindOf(value) === type && value !== '';

/** Limits that are the wrong way round are refused by BETWEEN. */
function isOrderedPair(low: Wire, high: Wire): boolean {
  if (typeof low === 'string' && typeof high === 'string')
    return Buffer.compare(Buffer.from(low), Buffer.from(high)) <= 0;
  return typeof low === 'number' && typeof high === 'number' && low <= high;
}

/** The table, and the indexes that have all of it. */
function* pathsOf(table: StoreTable): Generator<Path> {
  const [hash, range] = table.key;
  if (!hash) return;
  yield { index: undefined, hash, range, isConsistent: true };
  const native = (table.native ?? {}) as Partial<TableDescription>;
  const types = keyTypes(native);
  const global = native.GlobalSecondaryIndexes ?? [];
  for (const index of [...(native.LocalSecondaryIndexes ?? []), ...global]) {
    const [first, second] = keyFieldsOf(index.KeySchema ?? [], types);
    const isReady = !('IndexStatus' in index) || index.IndexStatus === undefined || index.IndexStatus === 'ACTIVE';
    if (!first || index.IndexName === undefined || index.Projection?.ProjectionType !== 'ALL' || !isReady) continue;
    yield { index: index.IndexName, hash: first, range: second, isConsistent: !global.includes(index as never) };
  }
}

const KEY_TYPES: Readonly<Record<string, KeyField['type']>> = { S: 'string', N: 'number', B: 'binary' };

export const keyTypes = ({
  AttributeDefinitions = [],
}: Partial<TableDescription>): ReadonlyMap<string, KeyField['type']> =>
  new Map(
    AttributeDefinitions.map(({ AttributeName = '', AttributeType = 'S' }) => [
      AttributeName,
      KEY_TYPES[AttributeType] ?? 'string',
    ]),
  );

/** The partition key first, whatever the order in which they are told. */
export function keyFieldsOf(
  schema: NonNullable<TableDescription['KeySchema']>,
  types: ReadonlyMap<string, KeyField['type']>,
): KeyField[] {
  return ['HASH', 'RANGE'].flatMap((kind) =>
    schema
      .filter(({ KeyType }) => KeyType === kind)
      .map(({ AttributeName: name = '' }) => ({ name, type: types.get(name) ?? 'string', generated: false })),
  );
}

/** @throws MillraceError invalid that names the field */
export function keyOf(table: StoreTable, key: DocumentKey): Attributes {
  return Object.fromEntries(table.key.map((field, index) => [field.name, keyValue(field, key[index])]));
}

/** The key within a document. @throws MillraceError invalid that names the field */
export const keyIn = (table: StoreTable, document: Document): Attributes =>
  keyOf(
    table,
    table.key.map(({ name }) => (Object.hasOwn(document, name) ? document[name] : undefined) as Wire),
  );

function keyValue({ name, type }: KeyField, value: Wire | undefined) {
  const refuse = (what: string) => invalid(`The key field '${name}' ${what}.`, { field: name });
  if (value === undefined || value === null || value === '') throw refuse('is missing or empty');
  if (type === 'number') {
    const text = kindOf(value) === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
    if (!/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) throw refuse('must be a number');
    return attributeOf(new JsonNumber(text), name);
  }
  if (type === 'binary') {
    const binary = typeof value === 'string' ? { $binary: value } : value;
    if (!isBinary(binary)) throw refuse('must be a binary');
    return attributeOf(binary, name);
  }
  if (typeof value === 'string') return { S: value };
  if (kindOf(value) === 'number') return { S: String(value) };
  throw refuse('must be a text');
}

/** One write as a request, and as an item of a transaction. */
export interface WriteRequest {
  readonly kind: 'Put' | 'Update' | 'Delete';
  readonly key: Attributes;
  readonly input: {
    readonly TableName: string;
    readonly Item?: Attributes;
    readonly Key?: Attributes;
    readonly UpdateExpression?: string;
    readonly ConditionExpression?: string;
  };
  readonly isConditional: boolean;
}

/** @throws MillraceError invalid that names the field */
export function writeRequestOf(table: StoreTable, write: Write): WriteRequest {
  const given = new Placeholders();
  const condition = guardOf(table, write, given);
  const guard = condition ? { ConditionExpression: condition.text } : {};
  const common = { TableName: table.name, ...guard };
  const isConditional = condition !== undefined;
  switch (write.kind) {
    case 'insert': {
      const key = keyIn(table, write.document);
      const Item = { ...attributesOf(write.document), ...key };
      return { kind: 'Put', key, isConditional, input: { ...common, Item, ...given.entries() } };
    }
    case 'replace': {
      const key = keyOf(table, write.key);
      const Item = { ...attributesOf(write.document), ...key };
      return { kind: 'Put', key, isConditional, input: { ...common, Item, ...given.entries() } };
    }
    case 'merge': {
      const key = keyOf(table, write.key);
      const sets = setsOf(table, write.members, given);
      const update = sets.length > 0 ? { UpdateExpression: `SET ${sets.join(', ')}` } : {};
      return { kind: 'Update', key, isConditional, input: { ...common, Key: key, ...update, ...given.entries() } };
    }
    case 'delete': {
      const key = keyOf(table, write.key);
      return { kind: 'Delete', key, isConditional, input: { ...common, Key: key, ...given.entries() } };
    }
  }
}

function setsOf(table: StoreTable, members: Document, given: Placeholders): string[] {
  attributesOf(members); // names the member that cannot be stored
  const keys = table.key.map(({ name }) => name);
  return Object.entries(members)
    .filter(([name]) => !keys.includes(name))
    .map(([name, value]) => `${given.name(name)} = ${given.value(value)}`);
}

function guardOf(table: StoreTable, write: Write, given: Placeholders): Piece | undefined {
  const first = table.key[0]?.name ?? '';
  const saying = (word: string): Piece => ({ text: `${word}(${given.name(first)})`, binds: 'atom' });
  if (write.kind === 'insert') return saying('attribute_not_exists');
  const parts = partsOf(write.onlyIf);
  if (write.kind !== 'delete' && write.upsert) {
    if (parts.length === 0) return undefined;
    return joined('or', [
      saying('attribute_not_exists'),
      ...(parts.some(isNever) ? [] : [pieceOf(write.onlyIf as Condition, given)]),
    ]);
  }
  if (parts.some(isNever)) return joined('and', [saying('attribute_exists'), saying('attribute_not_exists')]);
  return joined('and', [saying('attribute_exists'), ...parts.map((part) => pieceOf(part, given))]);
}

/** Opaque to clients. */
export function cursorOf(key: Attributes): string {
  return Buffer.from(stringifyJson(documentOf(key))).toString('base64url');
}

/** @throws MillraceError invalid for what is no cursor of this list */
export function readCursor(text: string, fields: readonly string[]): Attributes {
  try {
    const found = parseJson(asBuffer(Buffer.from(text, 'base64url')));
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) {
      const key = attributesOf(found as Document);
      const isKey = Object.values(key).every(({ S, N, B }) => S !== undefined || N !== undefined || B !== undefined);
      if (isKey && Object.keys(key).length === fields.length && fields.every((name) => key[name])) return key;
    }
  } catch {
    // no cursor either
  }
  throw invalid('The token of the page is not one of this list.', { field: 'offset' });
}
