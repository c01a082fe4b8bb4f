/** What a write answers: keys as the store made them, or the documents read again. */
import type { Deadline } from '#common/deadline.ts';
import type { TableView } from '#common/schema/extras.ts';
import type { Create, Operation } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { DocumentKey, StoreTable } from '../engine.ts';
import type { ServiceContext } from './context.ts';
import { documentJson, type Outputs, outputsOf } from './outputs.ts';
import { piecesOf } from './pieces.ts';
import { planRelated, type RelatedReader } from './related.ts';
import type { Done } from './undo.ts';

export class Shower {
  readonly #outputs: Outputs;
  readonly #related: RelatedReader;
  readonly #stored: StoreTable;
  readonly #context: ServiceContext;

  constructor(
    { selection, idField, related }: Pick<Create, 'selection' | 'idField' | 'related'>,
    table: TableView,
    stored: StoreTable,
    context: ServiceContext,
  ) {
    this.#related = planRelated(related, table, context);
    this.#outputs = outputsOf(selection, table, idField, this.#related.localFields);
    this.#stored = stored;
    this.#context = context;
  }

  get outputs(): Outputs {
    return this.#outputs;
  }

  get related(): RelatedReader {
    return this.#related;
  }

  async show(done: readonly Done[], operation: Operation, deadline: Deadline): Promise<Uint8Array[]> {
    if (this.#outputs.isKey && this.#related.empty) return done.map(({ key }) => documentJson(key));
    const keys = done.map(({ key }): DocumentKey => this.#stored.key.map(({ name }): Wire => key[name] ?? null));
    const found = await this.#context.source.get(this.#stored, keys, this.#outputs.fields, deadline);
    const there = found.filter((one) => one !== undefined);
    const pieces = await piecesOf(there, this.#outputs, this.#related, operation, deadline);
    let next = 0;
    // One that somebody has deleted meanwhile is still told by its key.
    return found.map((one, i) => (one ? (pieces[next++] as Uint8Array) : documentJson(done[i]?.key as Document)));
  }
}
