/**
 * What is known of one database's schema. Read once before the first operation; after that operations plan with what
 * is there, and a newer catalogue replaces it when it has been read.
 */
import { isDeepStrictEqual } from 'node:util';
import { Deadline } from '#common/deadline.ts';
import type { Logger } from '#common/observe/log.ts';
import type { SchemaExtra } from '#proto/access/v1/access_pb.ts';
import type { SqlSource } from './engine.ts';
import { applyExtras, type SchemaView } from './extras.ts';
import type { Catalogue } from './schema.ts';

const INTROSPECTION_MS = 60_000;
/** A doubted catalogue is at least this old before it is read again. */
const PATIENCE_MS = 1_000;
/** The same where doubts keep turning out to be unfounded: somebody asks for what was never there. */
const PATIENCE_MAX_MS = 16_000;

export class SchemaCache {
  readonly #source: SqlSource;
  readonly #serviceId: number;
  readonly #log: Logger;
  #extras: readonly SchemaExtra[];
  #catalogue: Catalogue | undefined;
  #view: SchemaView | undefined;
  #reading: Promise<SchemaView> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #patience = PATIENCE_MS;
  #doubted: NodeJS.Timeout | undefined;
  #reconsidering: Promise<void> | undefined;

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

  /**
   * Something did not fit: reads again behind the scenes, at once or soon.
   * @returns what to wait for where it happens at once; undefined: it was read a moment ago
   */
  doubt(): Promise<void> | undefined {
    if (this.#reconsidering || this.#doubted) return this.#reconsidering;
    const wait = this.#readAt + this.#patience - Date.now();
    if (wait <= 0) return this.#reconsider();
    this.#doubted = setTimeout(() => {
      this.#doubted = undefined;
      void this.#reconsider();
    }, wait);
    this.#doubted.unref();
    return undefined;
  }

  close(): void {
    clearTimeout(this.#doubted);
  }

  setExtras(extras: readonly SchemaExtra[]): void {
    this.#extras = extras;
    if (this.#catalogue) this.#view = applyExtras(this.#catalogue, extras, this.#serviceId);
  }

  #reconsider(): Promise<void> {
    const before = this.#catalogue;
    this.#reconsidering = this.readAfresh()
      .then(() => {
        this.#patience = this.#catalogue === before ? Math.min(2 * this.#patience, PATIENCE_MAX_MS) : PATIENCE_MS;
      })
      .catch((error: unknown) => this.#log.warn({ err: error }, 'catalogue could not be read'))
      .finally(() => {
        this.#reconsidering = undefined;
      });
    return this.#reconsidering;
  }

  async #introspect(): Promise<SchemaView> {
    const catalogue = await this.#source.introspect(Deadline.after(INTROSPECTION_MS));
    this.#readAt = Date.now();
    // Plans hang on the view: the same schema keeps the same one.
    if (this.#view && isDeepStrictEqual(catalogue, this.#catalogue)) return this.#view;
    this.#catalogue = catalogue;
    this.#view = applyExtras(catalogue, this.#extras, this.#serviceId);
    return this.#view;
  }
}
