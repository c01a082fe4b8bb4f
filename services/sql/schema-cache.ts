/**
 * What is known of one database's schema. Read once before the first operation; after that operations plan with what
 * is there, and a newer catalogue replaces it when it has been read.
 */
import { Deadline } from '#common/deadline.ts';
import type { Logger } from '#common/observe/log.ts';
import type { SchemaExtra } from '#proto/access/v1/access_pb.ts';
import type { SqlSource } from './engine.ts';
import { applyExtras, type SchemaView } from './extras.ts';
import type { Catalogue } from './schema.ts';

const INTROSPECTION_MS = 60_000;
/** A catalogue that was read this short a time ago is not doubted. */
const FRESH_MS = 3_000;

export class SchemaCache {
  readonly #source: SqlSource;
  readonly #serviceId: number;
  readonly #log: Logger;
  #extras: readonly SchemaExtra[];
  #catalogue: Catalogue | undefined;
  #view: SchemaView | undefined;
  #reading: Promise<SchemaView> | undefined;
  #readAt = 0;

  constructor(source: SqlSource, serviceId: number, extras: readonly SchemaExtra[], log: Logger) {
    this.#source = source;
    this.#serviceId = serviceId;
    this.#extras = extras;
    this.#log = log;
  }

  /** The view to plan with, at once; undefined before the first catalogue was read. */
  get current(): SchemaView | undefined {
    return this.#view;
  }

  /** Reads the catalogue; those who ask meanwhile wait for the same answer. @throws MillraceError */
  read(): Promise<SchemaView> {
    this.#reading ??= this.#introspect().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Reads the catalogue as it is after this moment: a reading that is under way may have begun too early. */
  async readAfresh(): Promise<SchemaView> {
    await this.#reading?.catch(() => {});
    return this.read();
  }

  /** Something did not fit: reads again behind the scenes, unless that was done a moment ago. */
  doubt(): void {
    if (this.#reading || Date.now() - this.#readAt < FRESH_MS) return;
    this.read().catch((error: unknown) => this.#log.warn({ err: error }, 'catalogue could not be read'));
  }

  setExtras(extras: readonly SchemaExtra[]): void {
    this.#extras = extras;
    if (this.#catalogue) this.#view = applyExtras(this.#catalogue, extras, this.#serviceId);
  }

  async #introspect(): Promise<SchemaView> {
    const catalogue = await this.#source.introspect(Deadline.after(INTROSPECTION_MS));
    this.#readAt = Date.now();
    this.#catalogue = catalogue;
    this.#view = applyExtras(catalogue, this.#extras, this.#serviceId);
    return this.#view;
  }
}
