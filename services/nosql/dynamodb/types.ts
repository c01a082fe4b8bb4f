/**
 * Values of DynamoDB and on the wire: lossless both ways. Binaries are `{"$binary": base64}`, sets `{"$set": [...]}` of
 * texts, numbers or binaries; a stored map that would look like one of these is `{"$map": {…}}`.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { invalid, type MillraceError } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';

export type Attributes = Record<string, AttributeValue>;

const TAGS: ReadonlySet<string> = new Set(['$binary', '$set', '$map']);
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DIGITS_MAX = 38;
/** Powers of ten of the first digit. */
const MAGNITUDE_MAX = 125;
const MAGNITUDE_MIN = -130;
/** A double holds any number of 15 significant digits. */
const DOUBLE_DIGITS = 15;
/** The client would take it for the prototype of what it makes. */
const UNSPEAKABLE = '__proto__';

/** @throws MillraceError invalid that names the member */
export function attributesOf(document: Document): Attributes {
  return Object.fromEntries(
    Object.entries(document).map(([name, value]) => [checkedName(name, name), attributeOf(value, name)]),
  );
}

/** @param path  for messages */
export function attributeOf(value: Wire, path: string): AttributeValue {
  switch (typeof value) {
    case 'string':
      return { S: value };
    case 'number':
      return { N: numberText(String(value), path) };
    case 'boolean':
      return { BOOL: value };
  }
  if (value === null || value === undefined) return { NULL: true };
  if (value instanceof JsonNumber) return { N: numberText(value.text, path) };
  if (isList(value)) return { L: value.map((one, index) => attributeOf(one, `${path}[${index}]`)) };
  const document = value as Document;
  const names = Object.keys(document);
  const [tag] = names;
  if (names.length === 1 && tag !== undefined && TAGS.has(tag)) return taggedOf(tag, document[tag] as Wire, path);
  return mapOf(document, path);
}

function taggedOf(tag: string, value: Wire, path: string): AttributeValue {
  if (tag === '$binary') return { B: bytesOf(value, path) };
  if (tag === '$set') return setOf(value, path);
  if (typeof value !== 'object' || value === null || isList(value) || value instanceof JsonNumber) {
    throw refused(path, "'$map' takes an object");
  }
  return mapOf(value as Document, path);
}

function mapOf(document: Document, path: string): AttributeValue {
  const members = Object.entries(document).map(([name, value]) => {
    const inner = `${path}.${name}`;
    return [checkedName(name, inner), attributeOf(value, inner)] as const;
  });
  return { M: Object.fromEntries(members) };
}

function setOf(value: Wire, path: string): AttributeValue {
  if (!isList(value) || value.length === 0) throw refused(path, "'$set' takes a list that is not empty");
  const elements = value.map((one) => attributeOf(one, path));
  const [first] = elements;
  const kind = (['S', 'N', 'B'] as const).find((each) => first?.[each] !== undefined);
  if (!kind || !elements.every((one) => one[kind] !== undefined)) {
    throw refused(path, 'a set has texts, numbers or binaries, all of one kind');
  }
  const texts = elements.map((one) => (kind === 'B' ? base64(one.B as Uint8Array) : (one[kind] as string)));
  if (new Set(kind === 'N' ? texts.map(canonicalNumber) : texts).size < texts.length)
    throw refused(path, 'a set has each of its elements once');
  if (kind === 'B') return { BS: elements.map((one) => one.B as Uint8Array) };
  return kind === 'S' ? { SS: texts } : { NS: texts };
}

function bytesOf(value: Wire, path: string): Uint8Array {
  if (typeof value !== 'string' || !BASE64.test(value)) throw refused(path, "'$binary' takes Base64");
  return new Uint8Array(Buffer.from(value, 'base64'));
}

/** What DynamoDB holds of a number, in its digits; else it would round or refuse. */
function numberText(text: string, path: string): string {
  if (!isNumberHeld(text)) {
    throw refused(path, `a number has ${DIGITS_MAX} digits and is below 10^${MAGNITUDE_MAX + 1} here`);
  }
  return text;
}

export function isNumberHeld(text: string): boolean {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace(/^[+-]/, '').split('.');
  const all = whole + fraction;
  const significant = all.replace(/^0+/, '');
  const digits = significant.replace(/0+$/, '').length;
  if (digits === 0) return /^\d+$/.test(all);
  const magnitude = Number(exponent) + whole.length - (all.length - significant.length) - 1;
  return digits <= DIGITS_MAX && magnitude <= MAGNITUDE_MAX && magnitude >= MAGNITUDE_MIN;
}

/** One text for each number, however it is spelled: 1, 1.0, 10e-1. */
export function canonicalNumber(text: string): string {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace(/^[+-]/, '').split('.');
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  if (digits === '') return '0';
  const power = Number(exponent) - fraction.length + all.length - digits.length;
  return `${mantissa.startsWith('-') ? '-' : ''}${digits}e${power}`;
}

/** One text for each key, to find it again by. */
export const keyText = (key: Attributes, names: readonly string[]): string =>
  JSON.stringify(
    names.map((name) => {
      const { S, N, B } = key[name] ?? {};
      return N === undefined ? (S ?? base64(B ?? new Uint8Array())) : canonicalNumber(N);
    }),
  );

export function documentOf(attributes: Attributes): Document {
  const document: Record<string, Wire> = Object.create(null);
  for (const [name, value] of Object.entries(attributes)) document[name] = wireOf(value);
  return document;
}

export function wireOf(value: AttributeValue): Wire {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return numberOf(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.M !== undefined) {
    const document = documentOf(value.M);
    return looksTagged(value.M) ? single('$map', document) : document;
  }
  if (value.L !== undefined) return value.L.map(wireOf);
  if (value.B !== undefined) return single('$binary', base64(value.B));
  if (value.SS !== undefined) return single('$set', value.SS);
  if (value.NS !== undefined) return single('$set', value.NS.map(numberOf));
  if (value.BS !== undefined)
    return single(
      '$set',
      value.BS.map((bytes) => single('$binary', base64(bytes))),
    );
  return null;
}

function numberOf(text: string): number | JsonNumber {
  if (text.length <= DOUBLE_DIGITS) return Number(text);
  const value = Number(text);
  return Number.isFinite(value) && String(value) === text ? value : new JsonNumber(jsonNumber(text));
}

/** JSON of one document, straight from what the client read. @param fields  undefined: all */
export function jsonOf(attributes: Attributes, fields?: readonly string[]): string {
  const parts: string[] = [];
  for (const name of fields ?? Object.keys(attributes)) {
    const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    if (value !== undefined) parts.push(`${JSON.stringify(name)}:${valueJson(value)}`);
  }
  return `{${parts.join(',')}}`;
}

function valueJson(value: AttributeValue): string {
  if (value.S !== undefined) return JSON.stringify(value.S);
  if (value.N !== undefined) return jsonNumber(value.N);
  if (value.BOOL !== undefined) return value.BOOL ? 'true' : 'false';
  if (value.M !== undefined) {
    const json = jsonOf(value.M);
    return looksTagged(value.M) ? `{"$map":${json}}` : json;
  }
  if (value.L !== undefined) return `[${value.L.map(valueJson).join(',')}]`;
  if (value.B !== undefined) return `{"$binary":"${base64(value.B)}"}`;
  if (value.SS !== undefined) return `{"$set":${JSON.stringify(value.SS)}}`;
  if (value.NS !== undefined) return `{"$set":[${value.NS.map(jsonNumber).join(',')}]}`;
  if (value.BS !== undefined) return `{"$set":[${value.BS.map((b) => `{"$binary":"${base64(b)}"}`).join(',')}]}`;
  return 'null';
}

/** DynamoDB leaves out what JSON wants and writes what JSON does not take. */
const jsonNumber = (text: string): string => text.replace(/^(-?)\./, '$10.').replace(/^\+/, '');

function looksTagged(map: Attributes): boolean {
  const names = Object.keys(map);
  return names.length === 1 && TAGS.has(names[0] as string);
}

function single(name: string, value: Wire): Document {
  const document: Record<string, Wire> = Object.create(null);
  document[name] = value;
  return document;
}

function checkedName(name: string, path: string): string {
  if (name === UNSPEAKABLE || name === '')
    throw invalid(`The database takes no field of the name '${path}'.`, { field: path });
  return name;
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

const isList = (value: Wire): value is readonly Wire[] => Array.isArray(value);

const refused = (path: string, reason: string): MillraceError =>
  invalid(`Field '${path}' cannot be stored: ${reason}.`, { field: path });
