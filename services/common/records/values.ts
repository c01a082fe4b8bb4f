/** Values of operations and members of records, as the tiers that do the operations see them. */
import type { Value } from '#proto/data/v1/data_pb.ts';
import { invalid } from '../errors.ts';
import { JsonNumber } from '../json.ts';

/** A Value as it travels, in the terms that JSON values have here. */
export function plainValue(value: Value | undefined): unknown {
  switch (value?.kind.case) {
    case 'text':
      return value.kind.value;
    case 'number': {
      const number = Number(value.kind.value);
      return Number.isSafeInteger(number) ? number : new JsonNumber(value.kind.value);
    }
    case 'boolean':
      return value.kind.value;
    case 'list':
      return value.kind.value.values.map(plainValue);
    default:
      return null;
  }
}

/** A member by its name, or else in any case. */
export function memberOf(record: unknown, name: string): unknown {
  if (typeof record !== 'object' || record === null) return undefined;
  if (Object.hasOwn(record, name)) return (record as Record<string, unknown>)[name];
  const lower = name.toLowerCase();
  const key = Object.keys(record).find((one) => one.toLowerCase() === lower);
  return key === undefined ? undefined : (record as Record<string, unknown>)[key];
}

/** @throws MillraceError invalid */
export function objectOf(record: unknown): Readonly<Record<string, unknown>> {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    throw invalid('Each record must be an object.');
  }
  return record as Record<string, unknown>;
}
