/** What stands around the JSON of a connector: the `resource` wrapper and `meta`, put together as bytes. */

export interface EnvelopeOptions {
  readonly wrap: boolean;
  /** Rows that match, whatever the page. */
  readonly count: number | undefined;
  /** Offset of the next page. */
  readonly next: number | undefined;
  /** Where the next page begins, for pages that follow each other by key. */
  readonly nextAfter?: string;
  /** JSON of the table's description. */
  readonly schemaJson: Uint8Array | undefined;
}

/**
 * `{"resource":<json>,"meta":{"count","next","schema"}}`. Without a wrapper and without meta it is the JSON itself, not
 * a copy; meta needs the wrapper and forces it.
 */
export function envelope(json: Uint8Array, options: EnvelopeOptions): Uint8Array {
  const meta = metaOf(options);
  if (meta.length > 0) return concat(['{"resource":', json, ',"meta":{', ...meta, '}}']);
  return options.wrap ? concat(['{"resource":', json, '}']) : json;
}

function metaOf({ count, next, nextAfter = '', schemaJson }: EnvelopeOptions): (string | Uint8Array)[] {
  const numbers: string[] = [];
  if (count !== undefined) numbers.push(`"count":${count}`);
  if (next !== undefined) numbers.push(`"next":${next}`);
  if (nextAfter !== '') numbers.push(`"next_after":"${nextAfter}"`);
  if (schemaJson === undefined || schemaJson.length === 0) return numbers.length > 0 ? [numbers.join(',')] : [];
  return [[...numbers, '"schema":'].join(','), schemaJson];
}

/** The texts are ASCII. One allocation, one copy. */
function concat(parts: readonly (string | Uint8Array)[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) {
    if (typeof part === 'string') whole.write(part, at, 'latin1');
    else whole.set(part, at);
    at += part.length;
  }
  return whole;
}
