/** Identifiers of records: from a path, a list, or the records themselves. */
import { invalid, MillraceError, notFound } from '#common/errors.ts';
import { stringifyJson } from '#common/json.ts';
import type { Value } from '#proto/data/v1/data_pb.ts';
import { type Coerce, operandCoercionOf, plainValue } from '../compile/coerce.ts';
import type { Dialect } from '../dialect.ts';
import type { FieldView } from '../extras.ts';
import type { Param } from '../statement.ts';

/** The values of one record's key fields, or why they are none. */
export type Key = { readonly params: readonly Param[]; readonly shown: string } | { readonly error: MillraceError };

export class KeyReader {
  readonly fields: readonly FieldView[];
  readonly #coercions: readonly Coerce[];

  constructor(fields: readonly FieldView[], dialect: Dialect) {
    this.fields = fields;
    this.#coercions = fields.map((field) => operandCoercionOf(field, dialect));
  }

  /** @throws MillraceError invalid */
  one(value: Value | undefined): { params: readonly Param[]; shown: string } {
    const plain = plainValue(value);
    const parts = this.fields.length > 1 && typeof plain === 'string' ? partsOf(plain) : plain;
    const values = Array.isArray(parts) ? parts : [parts];
    if (values.length !== this.fields.length) {
      const names = this.fields.map((field) => field.wireName).join(', ');
      throw invalid(`The identifier must give a value for each of: ${names}.`);
    }
    return this.#read(values);
  }

  list(values: readonly Value[]): Key[] {
    return values.map((value) => attempt(() => this.one(value)));
  }

  /** @param records  parsed; a record without all of its key fields is an error at its place */
  ofRecords(records: readonly unknown[]): Key[] {
    return records.map((record, index) =>
      attempt(() => {
        const values = this.fields.map((field) => memberOf(record, field.wireName));
        if (values.some((value) => value === undefined || value === null)) {
          const names = this.fields.map((field) => field.wireName).join(', ');
          throw invalid(`Required id field(s) not found in record ${index}: ${names}`, { index });
        }
        return this.#read(values);
      }),
    );
  }

  #read(values: readonly unknown[]): { params: readonly Param[]; shown: string } {
    const params = values.map((value, i) => {
      const param = (this.#coercions[i] as Coerce)(value);
      if (param === null) {
        throw invalid(`The identifier must give a value for '${this.fields[i]?.wireName}'.`);
      }
      return param;
    });
    const shown = values.map((value) => (typeof value === 'string' ? value : stringifyJson(value))).join(',');
    return { params, shown };
  }
}

/** `(1,abc)`, as lists show composite keys, or `1,abc`. A value with a comma stands in double quotes. */
function partsOf(text: string): string[] {
  const inner = /^\((.*)\)$/s.exec(text.trim())?.[1] ?? text;
  return [...inner.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*?))\s*(?=,|$)/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '',
  );
}

export const missing = (shown: string): MillraceError => notFound(`Record with identifier '${shown}' not found.`);

/** A member by its name, or else in any case. */
export function memberOf(record: unknown, name: string): unknown {
  if (typeof record !== 'object' || record === null) return undefined;
  if (Object.hasOwn(record, name)) return (record as Record<string, unknown>)[name];
  const lower = name.toLowerCase();
  const key = Object.keys(record).find((one) => one.toLowerCase() === lower);
  return key === undefined ? undefined : (record as Record<string, unknown>)[key];
}

function attempt<T>(read: () => T): T | { error: MillraceError } {
  try {
    return read();
  } catch (error) {
    return { error: MillraceError.from(error) };
  }
}
