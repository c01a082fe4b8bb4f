/**
 * BSON as the store sends it, written as JSON at once: no objects are made of documents that only pass by. The types of
 * bsonspec.org; what JSON has no word for is written as MongoDB Extended JSON (see types.ts for the way back).
 */
import { Decimal128 } from 'mongodb';

const Type = {
  double: 0x01,
  string: 0x02,
  document: 0x03,
  array: 0x04,
  binary: 0x05,
  undefined: 0x06,
  objectId: 0x07,
  boolean: 0x08,
  date: 0x09,
  null: 0x0a,
  regex: 0x0b,
  code: 0x0d,
  symbol: 0x0e,
  int32: 0x10,
  timestamp: 0x11,
  int64: 0x12,
  decimal: 0x13,
  minKey: 0xff,
  maxKey: 0x7f,
} as const;
const UUID_SUBTYPE = 4;
const OLD_BINARY = 2;

/**
 * @param fields  only these members, of the document itself; undefined: all
 * @throws Error for what is no BSON
 */
export function documentJson(bytes: Buffer, fields?: ReadonlySet<string>): string {
  return new Reader(bytes).document(true, fields);
}

/** The bytes of a member of a document, from its type on. */
export function idText(bytes: Buffer): string {
  return new Reader(bytes).member('_id');
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  document(isTop: boolean, fields?: ReadonlySet<string>): string {
    const end = this.#at + this.#bytes.readInt32LE(this.#at) - 1;
    this.#at += 4;
    let json = '';
    while (this.#at < end) {
      const type = this.#bytes[this.#at++] as number;
      const name = this.#cstring();
      if (fields && !fields.has(name)) {
        this.#value(type, false);
        continue;
      }
      json += `${json === '' ? '' : ','}${JSON.stringify(name)}:${this.#value(type, isTop && name === '_id')}`;
    }
    this.#at = end + 1;
    return `{${json}}`;
  }

  /** JSON of one member; empty: there is none. */
  member(wanted: string): string {
    const end = this.#bytes.readInt32LE(0) - 1;
    this.#at = 4;
    while (this.#at < end) {
      const type = this.#bytes[this.#at++] as number;
      const isWanted = this.#cstring() === wanted;
      const value = this.#value(type, isWanted);
      if (isWanted) return value;
    }
    return '';
  }

  #array(): string {
    const end = this.#at + this.#bytes.readInt32LE(this.#at) - 1;
    this.#at += 4;
    let json = '';
    while (this.#at < end) {
      const type = this.#bytes[this.#at++] as number;
      this.#cstring();
      json += `${json === '' ? '' : ','}${this.#value(type, false)}`;
    }
    this.#at = end + 1;
    return `[${json}]`;
  }

  #value(type: number, isId: boolean): string {
    switch (type) {
      case Type.double: {
        const value = this.#bytes.readDoubleLE(this.#at);
        this.#at += 8;
        return Number.isFinite(value) ? doubleText(value) : `{"$numberDouble":"${value}"}`;
      }
      case Type.string:
        return JSON.stringify(this.#string());
      case Type.document:
        return this.document(false);
      case Type.array:
        return this.#array();
      case Type.binary:
        return this.#binary();
      case Type.undefined:
      case Type.null:
        return 'null';
      case Type.objectId: {
        const hex = this.#bytes.toString('hex', this.#at, this.#at + 12);
        this.#at += 12;
        return isId ? `"${hex}"` : `{"$oid":"${hex}"}`;
      }
      case Type.boolean:
        return this.#bytes[this.#at++] === 1 ? 'true' : 'false';
      case Type.date: {
        const value = this.#bytes.readBigInt64LE(this.#at);
        this.#at += 8;
        return `{"$date":${dateJson(value)}}`;
      }
      case Type.regex: {
        const [pattern, options] = [this.#cstring(), this.#cstring()];
        return `{"$regularExpression":{"pattern":${JSON.stringify(pattern)},"options":${JSON.stringify(options)}}}`;
      }
      case Type.code:
        return `{"$code":${JSON.stringify(this.#string())}}`;
      case Type.symbol:
        return `{"$symbol":${JSON.stringify(this.#string())}}`;
      case Type.int32: {
        const value = this.#bytes.readInt32LE(this.#at);
        this.#at += 4;
        return String(value);
      }
      case Type.timestamp: {
        const [i, t] = [this.#bytes.readUInt32LE(this.#at), this.#bytes.readUInt32LE(this.#at + 4)];
        this.#at += 8;
        return `{"$timestamp":{"t":${t},"i":${i}}}`;
      }
      case Type.int64: {
        const value = this.#bytes.readBigInt64LE(this.#at);
        this.#at += 8;
        return String(value);
      }
      case Type.decimal: {
        const text = new Decimal128(this.#bytes.subarray(this.#at, this.#at + 16)).toString();
        this.#at += 16;
        return `{"$numberDecimal":"${text}"}`;
      }
      case Type.minKey:
        return '{"$minKey":1}';
      case Type.maxKey:
        return '{"$maxKey":1}';
      default:
        throw new Error(`A document holds a value of the unknown type ${type}.`);
    }
  }

  #string(): string {
    const length = this.#bytes.readInt32LE(this.#at);
    const text = this.#bytes.toString('utf8', this.#at + 4, this.#at + 4 + length - 1);
    this.#at += 4 + length;
    return text;
  }

  #cstring(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  #binary(): string {
    const length = this.#bytes.readInt32LE(this.#at);
    const subType = this.#bytes[this.#at + 4] as number;
    const from = this.#at + 5 + (subType === OLD_BINARY ? 4 : 0);
    const content = this.#bytes.subarray(from, this.#at + 5 + length);
    this.#at += 5 + length;
    if (subType === UUID_SUBTYPE && content.length === 16) {
      const hex = content.toString('hex');
      const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
      return `{"$uuid":"${parts.join('-')}"}`;
    }
    return `{"$binary":{"base64":"${content.toString('base64')}","subType":"${subType.toString(16).padStart(2, '0')}"}}`;
  }
}

/** A zero below zero is one on the way back as well. */
const doubleText = (value: number): string => (Object.is(value, -0) ? '-0.0' : String(value));

/** As PHP's `c`, with milliseconds where there are any (database-api §9.1). */
function dateJson(milliseconds: bigint): string {
  const date = new Date(Number(milliseconds));
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString();
  if (!/^\d{4}-/.test(text)) return `{"$numberLong":"${milliseconds}"}`;
  return `"${text.slice(0, 19)}${text.slice(19, 23) === '.000' ? '' : text.slice(19, 23)}+00:00"`;
}
