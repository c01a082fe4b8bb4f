import { describe, expect, test } from 'vitest';
import { affectedRows, MessageReader, readErrorFields } from './message-reader.ts';

function message(type: string, body: string): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, Buffer.from(body)]);
}

function read(chunks: readonly Buffer[]): string[] {
  const seen: string[] = [];
  const reader = new MessageReader((type, buffer, start, end) => {
    seen.push(String.fromCharCode(type) + buffer.toString('utf8', start, end));
  });
  for (const chunk of chunks) reader.push(chunk);
  return seen;
}

describe('messages, whatever the borders of the packets', () => {
  const bytes = Buffer.concat([
    message('D', 'first'),
    message('Z', ''),
    message('D', 'x'.repeat(100)),
    message('C', 'end'),
  ]);
  const wanted = ['Dfirst', 'Z', `D${'x'.repeat(100)}`, 'Cend'];
  test.each([1, 2, 3, 4, 5, 6, 7, 11, 64, 1000])('packets of %i bytes', (size) => {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    expect(read(chunks)).toEqual(wanted);
  });
  test('what is not whole yet is kept', () => {
    expect(read([bytes.subarray(0, bytes.length - 1)])).toEqual(wanted.slice(0, -1));
  });
});

test.each([
  ['INSERT 0 5', 5],
  ['UPDATE 12', 12],
  ['SELECT 0', 0],
  ['BEGIN', 0],
])('rows of "%s"', (tag, rows) => {
  const buffer = Buffer.from(`${tag}\0`);
  expect(affectedRows(buffer, 0, buffer.length)).toBe(rows);
});

test('fields of an error', () => {
  const buffer = Buffer.from('C23505\0Mtwice ö\0\0');
  expect(readErrorFields(buffer, 0, buffer.length)).toEqual({ C: '23505', M: 'twice ö' });
});
