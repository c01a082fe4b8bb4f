/** Identifiers of records: from a path, a list, or the records themselves. */

import type { Value } from '#proto/data/v1/data_pb.ts';
import { invalid, type MillraceError, notFound } from '../errors.ts';
import { stringifyJson } from '../json.ts';
import type { FieldView } from '../schema/extras.ts';
import { attempt } from './attempt.ts';
import { memberOf, plainValue } from './values.ts';

/** The values of one record's key fields, or why they are none. */
export type Key<P> = { readonly params: readonly P[]; readonly shown: string } | { readonly error: MillraceError };

export class KeyReader<P> {
  readonly fields: readonly FieldView[];
  readonly #coercions: readonly ((value: unknown) => P | null)[];

  /** @param coercionOf  how values of a field become those of a key; null is none */
  constructor(fields: readonly FieldView[], coercionOf: (field: FieldView) => (value: unknown) => P | null) {
    this.fields = fields;
    this.#coercions = fields.map(coercionOf);
  }

  /** @throws MillraceError invalid */
  one(value: Value | undefined): { params: readonly P[]; shown: string } {
    const plain = plainValue(value);
    const parts = this.fields.length > 1 && typeof plain === 'string' ? partsOf(plain) : plain;
    const values = Array.isArray(parts) ? parts : [parts];
    if (values.length !== this.fields.length) {
      const names = this.fields.map((field) => field.wireName).join(', ');
      throw invalid(`The identifier must give a value for each of: ${names}.`);
    }
    return this.#read(values);
  }

  list(values: readonly Value[]): Key<P>[] {
    return values.map((value) => attempt(() => this.one(value)));
  }

  /** @param records  parsed; a record without all of its key fields is an error at its place */
  ofRecords(records: readonly unknown[]): Key<P>[] {
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

  #read(values: readonly unknown[]): { params: readonly P[]; shown: string } {
    const params = values.map((value, i) => {
      const param = (this.#coercions[i] as (value: unknown) => P | null)(value);
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
