/** A document as CouchDB sent it. */
import type { Document, StoredDocument } from '../document.ts';
import { only } from './split.ts';
import { documentOf, textMember } from './types.ts';

export class CouchDocument implements StoredDocument {
  readonly #json: Uint8Array;
  #members: Document | undefined;

  constructor(json: Uint8Array) {
    this.#json = json;
  }

  json(fields?: readonly string[]): Uint8Array {
    return fields ? only(this.#json, new Set(fields)) : this.#json;
  }

  members(): Document {
    this.#members ??= documentOf(this.#json);
    return this.#members;
  }

  get version(): string | undefined {
    return textMember(this.#json, '_rev');
  }
}
