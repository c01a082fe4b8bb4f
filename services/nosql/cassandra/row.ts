/** Rows as documents: each column came as JSON, which passes as it is. */
import { parseJson } from '#common/json.ts';
import type { Document, StoredDocument, Wire } from '../document.ts';
import { type Layout, typeOf } from './layout.ts';
import { type ColumnType, decodedJson } from './types.ts';

/** How rows of one request are read. */
export class RowReader {
  readonly #names: readonly string[];
  readonly #types: readonly ColumnType[];
  readonly #labels: readonly string[];

  /** @param columns  in the order of the selection */
  constructor(columns: readonly string[], layout: Layout) {
    this.#names = columns;
    this.#types = columns.map((name) => typeOf(layout, name));
    this.#labels = columns.map((name) => `${JSON.stringify(name)}:`);
  }

  read(values: readonly (string | null)[]): StoredDocument {
    return {
      json: (fields) => this.#json(values, fields),
      members: () => this.members(values),
    };
  }

  members(values: readonly (string | null)[]): Document {
    const members: Record<string, Wire> = Object.create(null);
    for (const [at, name] of this.#names.entries()) {
      members[name] = parseJson(Buffer.from(this.#value(values, at))) as Wire;
    }
    return members;
  }

  #json(values: readonly (string | null)[], fields: readonly string[] | undefined): Uint8Array {
    const pieces: string[] = [];
    for (const [at, name] of this.#names.entries()) {
      if (!fields || fields.includes(name)) pieces.push(`${this.#labels[at]}${this.#value(values, at)}`);
    }
    return Buffer.from(`{${pieces.join(',')}}`);
  }

  #value(values: readonly (string | null)[], at: number): string {
    return decodedJson(values[at] ?? null, this.#types[at] as ColumnType);
  }
}
