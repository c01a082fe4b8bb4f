/** The sets of rows of a call, which are known only when they come, as JSON. */

import type { JsonKind } from '#common/schema/catalogue.ts';
import { ANSWER_BYTES_MAX, answerTooLarge } from '../encode/answer-size.ts';
import { type DriverValue, jsonText } from '../encode/row-writer.ts';
import type { Rows } from '../statement.ts';
import { type Decoder, decode, decodersOf, jsonKindOf, type WireField } from './decode.ts';

/** Columns of one name are one member, a list of their values (database-api §7). */
interface Member {
  /** `"name":` */
  readonly key: string;
  readonly columns: readonly { readonly index: number; readonly kind: JsonKind }[];
}

export class RowSets {
  readonly #sets: Rows[] = [];
  #decoders: readonly Decoder[] = [];
  #members: readonly Member[] = [];
  #rows: string[] = [];
  #ends: number[] = [];
  /** Of the sets that are finished. */
  #bytes = 0;

  fields(fields: WireField[]): void {
    this.#finish();
    this.#members = membersOf(fields);
    this.#decoders = decodersOf(fields);
  }

  row(row: DriverValue[]): void {
    decode(row, this.#decoders);
    const members = this.#members.map(({ key, columns: [first, ...others] }) => {
      const text = (column: Member['columns'][0] | undefined) =>
        column ? jsonText(row[column.index] ?? null, column.kind) : '';
      return `${key}${others.length === 0 ? text(first) : `[${[first, ...others].map(text).join(',')}]`}`;
    });
    const json = `{${members.join(',')}}`;
    const last = this.#ends.at(-1);
    const end = (last === undefined ? 0 : last + 1) + Buffer.byteLength(json);
    if (this.#bytes + end > ANSWER_BYTES_MAX) throw answerTooLarge();
    this.#rows.push(json);
    this.#ends.push(end);
  }

  /** Those that hold something. */
  finish(): Rows[] {
    this.#finish();
    return this.#sets;
  }

  #finish(): void {
    if (this.#rows.length > 0) {
      const json = Buffer.from(this.#rows.join(','));
      this.#sets.push({ count: this.#rows.length, json, ends: this.#ends, hidden: [], affected: 0 });
      this.#bytes += json.length;
    }
    this.#rows = [];
    this.#ends = [];
  }
}

function membersOf(fields: readonly WireField[]): Member[] {
  const byName = new Map<string, { index: number; kind: JsonKind }[]>();
  for (const [index, field] of fields.entries()) {
    const columns = byName.get(field.name) ?? [];
    columns.push({ index, kind: jsonKindOf(field) });
    byName.set(field.name, columns);
  }
  return [...byName].map(([name, columns]) => ({ key: `${JSON.stringify(name)}:`, columns }));
}
