/** Documents as this tier knows them: what JSON can say, whatever the store calls it. */
import type { JsonNumber } from '#common/json.ts';

/**
 * A value as it is on the wire. Numbers that a double cannot hold are `JsonNumber`. What JSON has no word for is an
 * object with one member whose name begins with $: `{"$date": …}`, `{"$oid": …}`, `{"$binary": …}`, as the engine's
 * types.ts lists them. In every other place a name that begins with $ is data, or refused: never an operator.
 */
export type Wire = null | boolean | number | string | JsonNumber | readonly Wire[] | Document;

/** Members by their names, in their order. Without a prototype, so that no name is special. */
export interface Document {
  readonly [name: string]: Wire;
}

/** A document as the store gave it, made into JSON or members only where somebody wants them. */
export interface StoredDocument {
  /** One JSON object, of these members (those that are there) or of all. Straight from the store's bytes where it can. */
  json(fields?: readonly string[]): Uint8Array;
  members(): Document;
  /** What tells this state of the document from later ones (_rev, ETag), for stores that have it. */
  readonly version?: string | undefined;
}
