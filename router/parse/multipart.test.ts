import { expect, test } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import { parseMultipart } from './multipart.ts';

const TYPE = 'multipart/form-data; boundary=xyz';
const part = (head: string, content: string): string =>
  `--xyz\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`;

const read = (type: string, body: string) =>
  parseMultipart(type, Buffer.from(body, 'latin1')).map(({ name, filename, content }) => [
    name,
    filename,
    Buffer.from(content).toString('latin1'),
  ]);

test.each([
  ['a text', TYPE, `${part('name="a"', '1')}--xyz--\r\n`, [['a', undefined, '1']]],
  ['a file', TYPE, `${part('name="f"; filename="p.zip"', 'PK\0\r\n')}--xyz--`, [['f', 'p.zip', 'PK\0\r\n']]],
  [
    'a quoted boundary',
    'multipart/form-data; boundary="xyz"',
    `${part('name="a"', '')}--xyz--`,
    [['a', undefined, '']],
  ],
  ['words before the first part', TYPE, `ignored\r\n${part('name="a"', '1')}--xyz--`, [['a', undefined, '1']]],
  ['what looks like a boundary', TYPE, `${part('name="a"', 'a--xyz')}--xyz--`, [['a', undefined, 'a--xyz']]],
  [
    'several',
    TYPE,
    `${part('name="a"', '1')}${part('name="b"', '2')}--xyz--`,
    [
      ['a', undefined, '1'],
      ['b', undefined, '2'],
    ],
  ],
  ['none', TYPE, '--xyz--', []],
])('%s', (_why, type, body, parts) => {
  expect(read(type, body)).toEqual(parts);
});

test.each([
  ['no boundary', 'multipart/form-data', '--xyz--'],
  ['no end', TYPE, part('name="a"', '1')],
  ['no boundary in the body', TYPE, 'words'],
  ['no name', TYPE, `${part('filename="f"', '1')}--xyz--`],
  ['no headers', TYPE, '--xyz\r\nwords\r\n--xyz--'],
  ['too many parts', TYPE, `${part('name="a"', '1').repeat(101)}--xyz--`],
])('refused: %s', (_why, type, body) => {
  expect(() => read(type, body)).toThrow(MillraceError);
});
