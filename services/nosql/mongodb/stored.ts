/** A document as the store sent it: its bytes, made into JSON or members where somebody wants them. */
import { parseJson } from '#common/json.ts';
import type { Document, StoredDocument } from '../document.ts';
import { documentJson, idText } from './bson-json.ts';

export class MongoDocument implements StoredDocument {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  json(fields?: readonly string[]): Uint8Array {
    return Buffer.from(documentJson(this.#bytes, fields && new Set(fields)));
  }

  members(): Document {
    return parseJson(this.json()) as Document;
  }

  /** JSON of its identifier: tells documents apart. */
  idText(): string {
    return idText(this.#bytes);
  }
}
