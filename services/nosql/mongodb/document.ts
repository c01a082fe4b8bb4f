/** A document as the driver gave it: BSON, made into JSON or members where somebody wants them. */
import { parseJson } from '#common/json.ts';
import type { Document, StoredDocument } from '../document.ts';
import { bsonToJson, idJsonOf } from './json.ts';

export class MongoDocument implements StoredDocument {
  readonly #bytes: Buffer;
  #members: Document | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  json(fields?: readonly string[]): Uint8Array {
    return bsonToJson(this.#bytes, fields);
  }

  members(): Document {
    this.#members ??= Object.setPrototypeOf(parseJson(bsonToJson(this.#bytes)), null) as Document;
    return this.#members;
  }

  /** As text, for looking it up. */
  get id(): string | undefined {
    return idJsonOf(this.#bytes);
  }
}
