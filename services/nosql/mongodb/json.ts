/** BSON written as JSON, straight from its bytes: a document that is only passed on is never made into objects. */
import { Decimal128 } from 'mongodb';
import { MillraceError } from '#common/errors.ts';
import { hexByte } from './types.ts';

const DATE_MS_MAX = 253_402_300_799_999n;
const UUID_SUBTYPE = 4;

/** @param fields  of the top level; undefined: all */
export function bsonToJson(bytes: Buffer, fields?: readonly string[]): Buffer {
  return Buffer.from(new Reader(bytes).document(fields && new Set(fields)), 'utf8');
}

/** The JSON of `_id`, which stands at the beginning; undefined where there is none. */
export const idJsonOf = (bytes: Buffer): string | undefined => new Reader(bytes).id();

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  document(fields: ReadonlySet<string> | undefined): string {
    return this.#members(true, fields);
  }

  id(): string | undefined {
    this.#at += 4;
    for (let type = this.#byte(); type !== 0; type = this.#byte()) {
      const name = this.#cString();
      const value = this.#value(type, name === '_id');
      if (name === '_id') return value;
    }
    return undefined;
  }

  #members(isTop: boolean, fields?: ReadonlySet<string>): string {
    this.#at += 4;
    let json = '{';
    for (let type = this.#byte(); type !== 0; type = this.#byte()) {
      const name = this.#cString();
      const value = this.#value(type, isTop && name === '_id');
      if (fields && !fields.has(name)) continue;
      json += `${json.length > 1 ? ',' : ''}${JSON.stringify(name)}:${value}`;
    }
    return `${json}}`;
  }

  #elements(): string {
    this.#at += 4;
    let json = '[';
    for (let type = this.#byte(); type !== 0; type = this.#byte()) {
      this.#cString();
      const value = this.#value(type, false);
      json += json.length > 1 ? `,${value}` : value;
    }
    return `${json}]`;
  }

  #value(type: number, isId: boolean): string {
    const bytes = this.#bytes;
    switch (type) {
      case 0x01: {
        const value = bytes.readDoubleLE(this.#skip(8));
        if (!Number.isFinite(value)) return `{"$numberDouble":"${value}"}`;
        return Object.is(value, -0) ? '-0' : String(value);
      }
      case 0x02:
      case 0x0e:
        return JSON.stringify(this.#string());
      case 0x03:
        return this.#members(false);
      case 0x04:
        return this.#elements();
      case 0x05:
        return this.#binary();
      case 0x07: {
        const at = this.#skip(12);
        const hex = bytes.toString('hex', at, at + 12);
        return isId ? `"${hex}"` : `{"$oid":"${hex}"}`;
      }
      case 0x08:
        return this.#byte() === 1 ? 'true' : 'false';
      case 0x09:
        return dateJson(bytes.readBigInt64LE(this.#skip(8)));
      case 0x06:
      case 0x0a:
        return 'null';
      case 0x0b: {
        const pattern = this.#cString();
        const options = this.#cString();
        return `{"$regularExpression":${JSON.stringify({ pattern, options })}}`;
      }
      case 0x0d:
        return `{"$code":${JSON.stringify(this.#string())}}`;
      case 0x0f: {
        this.#at += 4;
        const code = JSON.stringify(this.#string());
        return `{"$code":${code},"$scope":${this.#members(false)}}`;
      }
      case 0x10:
        return String(bytes.readInt32LE(this.#skip(4)));
      case 0x11: {
        const at = this.#skip(8);
        return `{"$timestamp":{"t":${bytes.readUInt32LE(at + 4)},"i":${bytes.readUInt32LE(at)}}}`;
      }
      case 0x12:
        return String(bytes.readBigInt64LE(this.#skip(8)));
      case 0x13: {
        const at = this.#skip(16);
        const text = new Decimal128(bytes.subarray(at, at + 16)).toString();
        return /^-?\d/.test(text) ? text : `{"$numberDecimal":"${text}"}`;
      }
      case 0x0c: {
        const namespace = JSON.stringify(this.#string());
        const at = this.#skip(12);
        return `{"$dbPointer":{"$ref":${namespace},"$id":{"$oid":"${bytes.toString('hex', at, at + 12)}"}}}`;
      }
      case 0xff:
        return '{"$minKey":1}';
      case 0x7f:
        return '{"$maxKey":1}';
      default:
        throw new MillraceError('internal', `A document holds a value of a type that is not known: ${type}.`);
    }
  }

  #binary(): string {
    const length = this.#bytes.readInt32LE(this.#skip(4));
    const subType = this.#byte();
    const at = this.#skip(length);
    const content = this.#bytes.subarray(at, at + length);
    if (subType === UUID_SUBTYPE && length === 16) {
      const hex = content.toString('hex');
      return `{"$uuid":"${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}"}`;
    }
    // The old kind of binary repeats its length.
    const bare = subType === 2 ? content.subarray(4) : content;
    return `{"$binary":{"base64":"${bare.toString('base64')}","subType":"${hexByte(subType)}"}}`;
  }

  #byte(): number {
    return this.#bytes[this.#at++] as number;
  }

  #skip(length: number): number {
    const at = this.#at;
    this.#at += length;
    return at;
  }

  #string(): string {
    const length = this.#bytes.readInt32LE(this.#skip(4));
    const at = this.#skip(length);
    return this.#bytes.toString('utf8', at, at + length - 1);
  }

  #cString(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }
}

/** Years that four digits write are ISO text. */
function dateJson(ms: bigint): string {
  if (ms < -62_167_219_200_000n || ms > DATE_MS_MAX) return `{"$date":{"$numberLong":"${ms}"}}`;
  return `{"$date":"${new Date(Number(ms)).toISOString()}"}`;
}
