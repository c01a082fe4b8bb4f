/** The body of a request: whatever its format, the records are found as JSON bytes and the options beside them. */
import { invalid, MillraceError } from '#common/errors.ts';
import { checkUtf8, decodeUtf8, parseJson, stringifyJson } from '#common/json.ts';
import { parseCsv } from './csv.ts';
import { parseForm } from './form.ts';
import { outlineJson, type Range } from './json-outline.ts';
import { isMultipart, parseMultipart } from './multipart.ts';
import { givenName } from './query.ts';
import { parseXml } from './xml.ts';

/** What a body says: the records, and the option keys that clients may put beside them. */
export interface Body {
  /** `records`: a list; `one`: an object that does not wrap records; `text`: plain text or a JSON scalar. */
  readonly kind: 'none' | 'records' | 'one' | 'text';
  /** JSON bytes: an array of records (kind records), one object (kind one), else nothing. Not validated inside. */
  readonly records: Uint8Array;
  /** The whole body as JSON bytes: for a target that takes a wrapped body as the record itself. Empty for plain text. */
  readonly json: Uint8Array;
  /** The keys of an object body other than a wrapping `resource`. */
  readonly optionNames: readonly string[];
  /** `resource` was present, or the body was a bare array. */
  readonly wrapped: boolean;
  /** The value of one of `optionNames`, by its name or else by an alias of it. */
  option(name: string): unknown;
  /** The whole body, parsed: for handlers that take no records. An absent body is an empty object. */
  value(): unknown;
}

const WRAPPER = 'resource';
const NOTHING = new Uint8Array();
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const LESS_THAN = 0x3c;

/**
 * By content type: JSON, form, XML, CSV (its lines are the records), plain text. Anything else is guessed from its
 * beginning, in this order: JSON, XML, CSV.
 *
 * @param bytes the caller's to keep: records are views of them
 * @throws invalid, with the position, when the body is not what it says to be or like nothing known
 * @see system-api.md §1.6
 */
export function readBody(contentType: string | undefined, bytes: Uint8Array): Body {
  const content = withoutByteOrderMark(bytes);
  if (content.length === 0) return NO_BODY;
  if (holdsFiles(contentType)) return new FilesBody(contentType ?? '', content);
  switch (formatOf(contentType, content)) {
    case 'json':
      return readJsonBody(content);
    case 'form':
      return readValue(parseForm(decodeUtf8(content)));
    case 'xml':
      return readValue(parseXml(decodeUtf8(content)));
    case 'csv':
      return readValue({ [WRAPPER]: parseCsv(decodeUtf8(content)) });
    case 'text':
      return textBody(decodeUtf8(content), NOTHING);
    case undefined:
      return guessCsv(content);
  }
}

type BodyFormat = 'json' | 'form' | 'xml' | 'csv' | 'text';

function formatOf(contentType: string | undefined, content: Uint8Array): BodyFormat | undefined {
  if (contentType === 'application/json') return 'json';
  const type = contentType?.toLowerCase() ?? '';
  if (type.includes('json')) return 'json';
  // Clients such as curl call any text a form unless told otherwise; a form itself has its brackets encoded.
  if (type.includes('x-www-form-urlencoded')) return looksLikeJson(content) ? 'json' : 'form';
  if (type.includes('xml')) return 'xml';
  if (type.includes('csv')) return 'csv';
  if (type.includes('text/plain')) return 'text';
  if (looksLikeJson(content)) return 'json';
  return content[firstInk(content)] === LESS_THAN ? 'xml' : undefined;
}

function looksLikeJson(content: Uint8Array): boolean {
  const first = content[firstInk(content)];
  return first === OPEN_BRACE || first === OPEN_BRACKET;
}

/** Offset of the first byte that is no white space. */
function firstInk(content: Uint8Array): number {
  let at = 0;
  while (at < content.length && content[at]! <= 0x20) at++;
  return at;
}

function guessCsv(content: Uint8Array): Body {
  const unknown = 'The body is of no known type: say which by Content-Type (JSON, XML, CSV, form or plain text).';
  let records: unknown[];
  try {
    records = parseCsv(decodeUtf8(content));
  } catch (cause) {
    throw new MillraceError('invalid', unknown, undefined, cause);
  }
  if (records.length === 0) throw invalid(unknown);
  return readValue({ [WRAPPER]: records });
}

/** Other formats join the one path by which bodies are read. */
const readValue = (value: unknown): Body => readJsonBody(Buffer.from(stringifyJson(value)));

function readJsonBody(json: Uint8Array): Body {
  checkUtf8(json);
  const outline = outlineJson(json);
  switch (outline.kind) {
    case 'empty':
      return NO_BODY;
    case 'scalar':
      return textBody(parseJson(json), json);
    case 'array':
      return new JsonBody(json, json, new Map());
    case 'object':
      return objectBody(json, outline.members);
  }
}

function objectBody(json: Uint8Array, members: ReadonlyMap<string, Range>): Body {
  const wrapped = members.get(WRAPPER);
  const records = wrapped && asList(json.subarray(wrapped.start, wrapped.end));
  if (!records) return new JsonBody(json, undefined, members);
  // Few and small; and what nobody asks for must be JSON all the same.
  const options = new Map<string, unknown>();
  for (const [name, { start, end }] of members) {
    if (name !== WRAPPER) options.set(name, parseJson(json.subarray(start, end)));
  }
  return new JsonBody(json, records, options);
}

/** One record is a list of one, null an empty list; anything else wraps nothing. */
function asList(value: Uint8Array): Uint8Array | undefined {
  switch (value[0]) {
    case OPEN_BRACKET:
      return value;
    case OPEN_BRACE:
      return Buffer.concat([Buffer.from('['), value, Buffer.from(']')]);
    default:
      return Buffer.from('null').equals(value) ? Buffer.from('[]') : undefined;
  }
}

class JsonBody implements Body {
  readonly kind: 'records' | 'one';
  readonly json: Uint8Array;
  readonly records: Uint8Array;
  readonly wrapped: boolean;
  /** Beside records the parsed options; of a single object only which keys it has. */
  readonly #options: ReadonlyMap<string, unknown>;
  #value: unknown;

  constructor(json: Uint8Array, records: Uint8Array | undefined, options: ReadonlyMap<string, unknown>) {
    this.json = json;
    this.wrapped = records !== undefined;
    this.kind = this.wrapped ? 'records' : 'one';
    this.records = records ?? json;
    this.#options = options;
  }

  get optionNames(): readonly string[] {
    return [...this.#options.keys()];
  }

  option(name: string): unknown {
    const given = givenName(name, (candidate) => this.#options.has(candidate));
    if (given === undefined) return undefined;
    return this.wrapped ? this.#options.get(given) : (this.value() as Record<string, unknown>)[given];
  }

  value(): unknown {
    this.#value ??= parseJson(this.json);
    return this.#value;
  }
}

const ZIP_TYPES = /^application\/(zip|x-zip-compressed)\b/i;

const holdsFiles = (contentType: string | undefined): boolean =>
  isMultipart(contentType) || ZIP_TYPES.test(contentType ?? '');

/** Files, and the texts of their form as options: whoever takes files reads them himself, all others refuse them. */
class FilesBody implements Body {
  readonly kind = 'one';
  readonly wrapped = false;
  readonly #texts: ReadonlyMap<string, Uint8Array>;

  constructor(contentType: string, content: Uint8Array) {
    const parts = isMultipart(contentType) ? parseMultipart(contentType, content) : [];
    const texts = parts.filter(({ filename }) => filename === undefined);
    this.#texts = new Map(texts.map((part) => [part.name, part.content]));
  }

  get optionNames(): readonly string[] {
    return [...this.#texts.keys()];
  }

  get json(): Uint8Array {
    throw noFiles();
  }

  get records(): Uint8Array {
    throw noFiles();
  }

  option(name: string): unknown {
    const text = this.#texts.get(name);
    return text && decodeUtf8(text);
  }

  value(): unknown {
    throw noFiles();
  }
}

const noFiles = (): MillraceError =>
  invalid('A body with files is not taken here, as no file or attachment is: send the fields as JSON.', {
    field: 'attachment',
  });

function textBody(value: unknown, json: Uint8Array): Body {
  return { ...NO_BODY, kind: 'text', json, value: () => value };
}

const NO_BODY: Body = {
  kind: 'none',
  records: NOTHING,
  json: NOTHING,
  optionNames: [],
  wrapped: false,
  option: () => undefined,
  value: () => ({}),
};

/** Editors of some systems put one in front of every text. */
function withoutByteOrderMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
