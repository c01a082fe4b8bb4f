/** From a client's record to column values. */
import { invalid } from '#common/errors.ts';
import { JsonNumber, parseJson, stringifyJson } from '#common/json.ts';
import { type Faults, spoken } from './faults.ts';
import { type Column, columnOf, type JsonObject, type Model, type Relation, type Values } from './model.ts';

const INT_MAX = 2 ** 31 - 1;
const TRUE = new Set<unknown>([true, 1, '1', 'true', 'yes', 'on']);
const FALSE = new Set<unknown>([false, 0, '0', 'false', 'no', 'off', '']);

export interface Input {
  readonly values: Values;
  readonly related: ReadonlyMap<Relation, unknown>;
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Splits a record into values and nested records; what cannot be written is dropped by name. */
export function readInput(model: Model, record: JsonObject, faults: Faults, dropped: Set<string>): Input {
  const values: Values = {};
  const related = new Map<Relation, unknown>();
  for (const [name, value] of Object.entries(record)) {
    const column = columnOf(model, name);
    if (column && column.access !== 'read_only' && column.access !== 'hidden') {
      const accepted = readValue(column, value, faults);
      if (accepted !== undefined) values[name] = accepted;
      continue;
    }
    const relation = model.relations.find((candidate) => candidate.name === name);
    if (relation) related.set(relation, value);
    else if (name !== model.key) dropped.add(name);
  }
  return { values, related };
}

function readValue(column: Column, value: unknown, faults: Faults): unknown {
  if (column.accept) return column.accept(value);
  if (value === null) return column.default ?? null;
  switch (column.kind) {
    case 'boolean':
      if (TRUE.has(value)) return 1;
      if (FALSE.has(value)) return 0;
      faults.add(column.name, `The ${spoken(column.name)} field must be true or false.`);
      return undefined;
    case 'integer':
      return readInteger(column, value, faults);
    case 'json':
      return stringifyJson(value);
    default:
      return readText(column, value, faults);
  }
}

function readInteger(column: Column, value: unknown, faults: Faults): number | null | undefined {
  if (value === '') return null;
  const number = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && Math.abs(number) <= INT_MAX) return number;
  if (typeof number === 'boolean') return number ? 1 : 0;
  faults.add(column.name, `The ${spoken(column.name)} field must be an integer.`);
  return undefined;
}

function readText(column: Column, value: unknown, faults: Faults): string | undefined {
  const text =
    typeof value === 'number' || typeof value === 'boolean' || value instanceof JsonNumber ? String(value) : value;
  if (typeof text !== 'string') {
    faults.add(column.name, `The ${spoken(column.name)} field must be a string.`);
    return undefined;
  }
  if (text.includes('\0') || /\p{Surrogate}/u.test(text)) {
    faults.add(column.name, `The ${spoken(column.name)} field holds characters that are not text.`);
    return undefined;
  }
  if (column.length !== undefined && text.length > column.length) {
    faults.add(column.name, `The ${spoken(column.name)} field must not be greater than ${column.length} characters.`);
    return undefined;
  }
  return text;
}

/** The records of an operation. @throws MillraceError invalid */
export function readRecords(bytes: Uint8Array): JsonObject[] {
  let parsed: unknown;
  try {
    parsed = parseJson(bytes);
  } catch {
    throw noRecords();
  }
  const records = Array.isArray(parsed) ? parsed : [parsed];
  if (records.length === 0 || !records.every(isObject)) throw noRecords();
  return records;
}

const noRecords = () =>
  invalid(
    "No record(s) detected in request. Please make sure record(s) are wrapped in a 'resource' tag. " +
      'Example: {"resource":[{"record":1},{"record":2}]}',
  );
