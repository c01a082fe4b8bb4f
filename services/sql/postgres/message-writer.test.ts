import { expect, test } from 'vitest';
import type { Param } from '../statement.ts';
import { MessageWriter } from './message-writer.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** Type, length, body. */
const framed = (type: string, ...parts: (string | Buffer)[]): string => {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return hex(Buffer.concat([head, body]));
};
const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const sized = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const NULL = Buffer.from([0xff, 0xff, 0xff, 0xff]);

const CASES: readonly [why: string, write: (writer: MessageWriter) => void, bytes: string][] = [
  ['parse', (writer) => writer.parse('m1', 'select ö'), framed('P', 'm1\0select ö\0', int16(0))],
  ['execute', (writer) => writer.execute(), framed('E', '\0', Buffer.alloc(4))],
  ['execute, so many rows', (writer) => writer.execute('p', 500), framed('E', 'p\0', Buffer.from([0, 0, 1, 0xf4]))],
  ['close', (writer) => writer.closeStatement('m1'), framed('C', 'Sm1\0')],
  ['sync', (writer) => writer.sync(), framed('S')],
  ['flush', (writer) => writer.flush(), framed('H')],
  [
    'bind text',
    (writer) => writer.bind('m1', ['ö', 5, 9007199254740993n, true, null]),
    framed(
      'B',
      '\0m1\0',
      int16(0),
      int16(5),
      sized('ö'),
      sized('5'),
      sized('9007199254740993'),
      sized('true'),
      NULL,
      int16(0),
    ),
  ],
  [
    'bind bytes among text',
    (writer) => writer.bind('m1', ['a', new Uint8Array([0, 255])], 'p'),
    framed('B', 'p\0m1\0', int16(2), int16(0), int16(1), int16(2), sized('a'), sized(Buffer.from([0, 255])), int16(0)),
  ],
];
test.each(CASES)('%s', (_, write, bytes) => {
  const writer = new MessageWriter();
  write(writer);
  expect(hex(writer.take())).toBe(bytes);
  expect(writer.empty).toBe(true);
});

test('as many parameters as there may be, and values larger than the buffer', () => {
  const writer = new MessageWriter();
  const params: Param[] = Array.from({ length: 65_535 }, () => '☃'.repeat(3));
  writer.bind('m', params);
  const many = writer.take();
  expect(many.readUInt32BE(1)).toBe(many.length - 1);
  writer.bind('m', ['☃'.repeat(1_000_000)]);
  expect(writer.take().includes(Buffer.from('☃'.repeat(1_000_000)))).toBe(true);
});
