/** Values that the driver gives in another form than ours. */
import mysql from 'mysql2';
import type { JsonKind } from '#common/schema/catalogue.ts';
import type { DriverValue } from '../encode/row-writer.ts';

/** A column of a result as the server describes it. */
export interface WireField {
  readonly name: string;
  columnType: number;
  characterSet: number;
  readonly columnLength: number;
}

export interface Decoder {
  readonly index: number;
  decode(value: NonNullable<DriverValue>): DriverValue;
}

const { Types } = mysql;

/** Character set of bytes. */
const BINARY = 63;
const OPAQUE = new Set<number | undefined>([Types.GEOMETRY, Types.VECTOR]);
const FLOAT_DIGITS_MIN = 6;
const FLOAT_DIGITS_MAX = 9;

/** To be called before the driver makes its parser of the fields: what it would make objects of is asked for as bytes. */
export function decodersOf(fields: WireField[]): Decoder[] {
  return fields.flatMap((field, index): Decoder[] => {
    if (OPAQUE.has(field.columnType)) {
      field.columnType = Types.BLOB;
      field.characterSet = BINARY;
    }
    if (field.columnType === Types.BIT) return [{ index, decode: bits }];
    return field.columnType === Types.FLOAT ? [{ index, decode: single }] : [];
  });
}

/** In place. */
export function decode(row: DriverValue[], decoders: readonly Decoder[]): void {
  for (const { index, decode: decodeOne } of decoders) {
    const value = row[index];
    if (value !== null && value !== undefined) row[index] = decodeOne(value);
  }
}

const NUMBERS = new Set<number | undefined>([
  ...[Types.TINY, Types.SHORT, Types.INT24, Types.LONG, Types.LONGLONG, Types.BIT, Types.YEAR],
  ...[Types.DECIMAL, Types.NEWDECIMAL, Types.FLOAT, Types.DOUBLE],
]);

/** Of a column whose table is not known: as it would be there. Bytes are known by their values. */
export function jsonKindOf({ columnType, columnLength }: WireField): JsonKind {
  const isBoolean = (columnType === Types.TINY || columnType === Types.BIT) && columnLength === 1;
  return isBoolean ? 'boolean' : NUMBERS.has(columnType) ? 'number' : 'string';
}

function bits(value: NonNullable<DriverValue>): DriverValue {
  return Buffer.isBuffer(value) ? BigInt(`0x${value.toString('hex') || '0'}`) : value;
}

/** The shortest digits that mean the same to four bytes: as eight bytes, 0.1 has seventeen. */
export function single(value: NonNullable<DriverValue>): DriverValue {
  if (typeof value !== 'number' || !Number.isFinite(value)) return value;
  for (let digits = FLOAT_DIGITS_MIN; digits < FLOAT_DIGITS_MAX; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(FLOAT_DIGITS_MAX));
}
