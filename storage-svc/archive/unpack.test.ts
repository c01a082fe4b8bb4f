import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FILES_AT_ONCE, MIB } from '#common/bounds.ts';
import { callerGone, Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { PathRules } from '#common/files/rules.ts';
import { RulesSchema } from '#proto/files/v1/files_pb.ts';
import { type Call, DELETE_BIT, POST_BIT } from '../call.ts';
import { walkTree } from '../operations/tree.ts';
import { MemorySource } from '../testing/memory.ts';
import { pack } from './pack.ts';
import { type Evil, type EvilEnd, evilZip, zip64End } from './testing/make-zip.ts';
import { type UnpackOptions, unpack } from './unpack.ts';

let source: MemorySource;
beforeEach(() => {
  source = new MemorySource();
});

// A folder of its own: others unpack at the same time.
const temporary = mkdtempSync(join(tmpdir(), 'millrace-unpack-test-'));
const { TMPDIR } = process.env;
beforeAll(() => {
  process.env['TMPDIR'] = temporary;
});
afterEach(() => expect(readdirSync(temporary)).toEqual([]));
afterAll(() => {
  if (TMPDIR === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = TMPDIR;
  rmSync(temporary, { recursive: true });
});

const soon = (): Deadline => Deadline.after(20_000);
const PLAIN = { contentType: undefined, size: undefined, createOnly: false, ifEtag: undefined };

async function* piecesOf(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const put = (path: string, content: string) => source.write(path, piecesOf(Buffer.from(content)), PLAIN, soon());

function callOf(rules = new PathRules(undefined), deadline = soon()): Call {
  return { source, family: 'local', rules, writeBit: POST_BIT, deadline };
}

const into = (folder: string, more: Partial<UnpackOptions> = {}): UnpackOptions => ({
  folder,
  clean: false,
  bytesMax: MIB,
  ...more,
});

/** All that is there, contents by path. */
async function kept(): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for await (const { path, isFolder } of walkTree(source, '', soon())) {
    let text = '';
    if (!isFolder) for await (const piece of (await source.read(path, {}, soon())).body) text += piece;
    all[isFolder ? `${path}/` : path] = text;
  }
  return all;
}

const GOOD: Evil[] = [
  { name: 'index.html', content: '<html>' },
  { name: 'css/' },
  { name: 'css/site.css', content: 'a{}'.repeat(1000) },
  { name: 'deep/er/日本 語+%#.txt', content: 'name', method: 0 },
  { name: 'empty/' },
  { name: 'zero' },
];

describe('what is good', () => {
  test('files, folders, those that only follow from names', async () => {
    expect(await unpack(callOf(), into('app'), piecesOf(evilZip(GOOD)))).toBe(4);
    expect(await kept()).toEqual({
      'app/': '',
      'app/css/': '',
      'app/css/site.css': 'a{}'.repeat(1000),
      'app/deep/': '',
      'app/deep/er/': '',
      'app/deep/er/日本 語+%#.txt': 'name',
      'app/empty/': '',
      'app/index.html': '<html>',
      'app/zero': '',
    });
    expect((await source.stat('app/css/site.css', soon()))?.contentType).toBe('text/css');
  });

  test('into the root, and over what is there', async () => {
    await put('index.html', 'old');
    await put('other', 'stays');
    await unpack(callOf(), into(''), piecesOf(evilZip(GOOD)));
    expect(await kept()).toMatchObject({ 'index.html': '<html>', other: 'stays', 'css/': '' });
  });

  test('clean: what was there is gone', async () => {
    await source.makeFolder('app', soon());
    await put('app/old.js', 'old');
    await put('beside', 'stays');
    await unpack(callOf(), into('app', { clean: true }), piecesOf(evilZip([{ name: 'new', content: 'n' }])));
    expect(await kept()).toEqual({ 'app/': '', 'app/new': 'n', beside: 'stays' });
  });

  test('names that begin at the folder itself', async () => {
    await unpack(callOf(), into('a'), piecesOf(evilZip([{ name: './' }, { name: './b/' }, { name: './b/c' }])));
    expect(Object.keys(await kept())).toEqual(['a/', 'a/b/', 'a/b/c']);
  });

  test('an empty zip', async () => {
    expect(await unpack(callOf(), into('app'), piecesOf(evilZip([])))).toBe(0);
    expect(await kept()).toEqual({ 'app/': '' });
  });

  test('what we packed ourselves, whatever is in it', async () => {
    const name = fc.stringMatching(/^[a-zé日]{1,3}$/);
    const content = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(300_000).fill(7)));
    const tree = fc.dictionary(
      fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
      content,
    );
    await fc.assert(
      fc.asyncProperty(tree, async (files) => {
        source = new MemorySource();
        await source.makeFolder('from', soon());
        for (const [path, bytes] of Object.entries(files)) {
          // A name is not a file and a folder.
          if (Object.keys(files).some((other) => other.startsWith(`${path}/`))) continue;
          const parts = path.split('/').slice(0, -1);
          for (let i = 1; i <= parts.length; i++)
            await source.makeFolder(`from/${parts.slice(0, i).join('/')}`, soon());
          await source.write(`from/${path}`, piecesOf(bytes, 70_000), PLAIN, soon());
        }
        await unpack(callOf(), into('to', { bytesMax: 10 * MIB }), pack(callOf(), 'from'));
        const all = Object.entries(await kept());
        const below = (root: string) =>
          all.flatMap(([path, text]) => (path.startsWith(root) ? [[path.slice(root.length), text]] : []));
        expect(below('to/from/').filter(([path]) => path !== '')).toEqual(
          below('from/').filter(([path]) => path !== ''),
        );
      }),
      { numRuns: 30 },
    );
  });

  test('names of those who write UTF-8 without saying so, and of old systems', async () => {
    const zip = evilZip([
      { name: 'é.txt', flags: 0 },
      { name: Buffer.from([0x82, 0x2e, 0x74]), flags: 0 },
    ]);
    await unpack(callOf(), into('a'), piecesOf(zip));
    expect(Object.keys(await kept())).toEqual(['a/', 'a/é.t', 'a/é.txt']);
  });
});

const LINK = 0o120777;
const extra64 = (...values: bigint[]): Buffer => {
  const extra = Buffer.alloc(4 + values.length * 8);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(values.length * 8, 2);
  values.forEach((value, at) => {
    extra.writeBigUInt64LE(value, 4 + at * 8);
  });
  return extra;
};
const cut = (zip: Buffer, from: number, to: number): Buffer => Buffer.concat([zip.subarray(0, from), zip.subarray(to)]);

const EVIL: [string, readonly Evil[], EvilEnd?][] = [
  ...['../x', 'a/../../x', 'a/..', '..', '%2e%2e/x', 'a/%2E./x', 'a/..%2fx', 'a\\..\\x'].map(
    (name): [string, Evil[]] => [`climbs: ${name}`, [{ name }]],
  ),
  ...['/x', '//x', '/', 'a//b', '\\x', '\\\\host\\x'].map((name): [string, Evil[]] => [
    `absolute: ${name}`,
    [{ name }],
  ]),
  ...['C:/x', 'c:x'].map((name): [string, Evil[]] => [`a drive: ${name}`, [{ name }]]),
  ...['a\0b', 'a\0', 'con', 'a/NUL.txt', '.', 'a/./b', '.millrace/x', 'a/ '].map((name): [string, Evil[]] => [
    `a name that is none: ${JSON.stringify(name)}`,
    [{ name }],
  ]),
  ['no name', [{ name: '' }]],
  ['a name that is too long', [{ name: `${'n'.repeat(300)}` }]],
  ['a path that is too long', [{ name: 'abcd/'.repeat(300) }]],
  ['overlong UTF-8', [{ name: Buffer.from([0xc0, 0xae, 0xc0, 0xae, 0x2f, 0x78]) }]],
  ['a symbolic link', [{ name: 'x', content: '/etc/passwd', mode: LINK }]],
  ['a symbolic link of another system', [{ name: 'x', content: '/etc/passwd', mode: LINK, madeBy: 19 }]],
  ['a device', [{ name: 'x', mode: 0o060644 }]],
  ['a folder that is a link', [{ name: 'x/', mode: LINK }]],
  ['encryption', [{ name: 'x', content: 'x', flags: 0x801 }]],
  ['strong encryption', [{ name: 'x', content: 'x', flags: 0x840 }]],
  ['a way to pack that we do not know', [{ name: 'x', content: 'x', method: 93 }]],
  [
    'the same name twice',
    [
      { name: 'x', content: '1' },
      { name: 'x', content: '2' },
    ],
  ],
  ['the same folder and file', [{ name: 'x/' }, { name: 'x', content: '2' }]],
  [
    'a file in a file',
    [
      { name: 'x', content: '1' },
      { name: 'x/y', content: '2' },
    ],
  ],
  ['thousands of one name', Array.from({ length: 5000 }, () => ({ name: 'x' }))],
  ['a folder with a content', [{ name: 'x/', content: 'x', method: 0 }]],
  ['a wrong sum', [{ name: 'x', content: 'x', crc: 1 }]],
  [
    'a wrong sum, late',
    [
      { name: 'ok', content: 'ok' },
      { name: 'x', content: 'x'.repeat(300_000), crc: 1 },
    ],
  ],
  ['more than it says', [{ name: 'x', content: 'xxxx', size: 3 }]],
  ['more than it says, stored', [{ name: 'x', content: 'xxxx', method: 0, size: 3 }]],
  ['more than it says, large', [{ name: 'x', content: Buffer.alloc(900_000, 'xy'), size: 300_000 }]],
  ['less than it says', [{ name: 'x', content: 'xxxx', size: 5 }]],
  ['no end to what is packed', [{ name: 'x', content: 'xxxx', packedSize: 2 }]],
  ['a content beyond the end', [{ name: 'x', content: 'xxxx', packedSize: 100_000 }]],
  ['a bomb', [{ name: 'x', content: Buffer.alloc(11 * MIB) }]],
  ['many small bombs', Array.from({ length: 12 }, (_, i) => ({ name: `${i}`, content: Buffer.alloc(MIB) }))],
  [
    'one content for all',
    [
      { name: 'x', content: 'x'.repeat(500) },
      ...Array.from({ length: 99 }, (_, i) => ({ name: `${i}`, content: 'x'.repeat(500), sharesWith: 0 })),
    ],
  ],
  ['sizes in 64 bits that lie', [{ name: 'x', content: 'xx', size: 0xffffffff, extra: extra64(2n ** 60n) }]],
  [
    'a place in 64 bits that is none',
    [{ name: 'x', content: 'xx', packedSize: 0xffffffff, extra: extra64(2n ** 63n) }],
  ],
  ['64 bits that are missing', [{ name: 'x', content: 'xx', size: 0xffffffff, extra: extra64() }]],
  ['more entries than there are', [{ name: 'x' }], { entries: 7 }],
  ['a directory elsewhere', [{ name: 'x' }], { offset: 5 }],
  ['a directory beyond the end', [{ name: 'x' }], { offset: 5_000_000 }],
  ['entries in 64 bits', [{ name: 'x' }], { between: (at) => zip64End(2n ** 50n, 0n, at) }],
  ['a directory in 64 bits beyond any file', [{ name: 'x' }], { between: (at) => zip64End(1n, 2n ** 63n, at) }],
  ['an end in 64 bits elsewhere', [{ name: 'x' }], { between: () => zip64End(1n, 0n, 2n ** 63n) }],
];

describe('what is refused, and nothing is done', () => {
  beforeEach(async () => {
    await source.makeFolder('app', soon());
    await put('app/old', 'old');
  });
  const nothingDone = async () => expect(await kept()).toEqual({ 'app/': '', 'app/old': 'old' });

  test.each(EVIL)('%s', async (_, entries, end) => {
    const zip = evilZip(
      [{ name: 'first', content: 'first' }, ...entries],
      end && { ...end, entries: end.entries ?? 2 },
    );
    const failed = unpack(callOf(), into('app', { clean: true }), piecesOf(zip, 100_000));
    await expect(failed).rejects.toMatchObject({ code: 'invalid' });
    await nothingDone();
  });

  test('a bomb where much is allowed', async () => {
    const zip = evilZip([{ name: 'x', content: 'x', size: 129 * MIB }]);
    const failed = unpack(callOf(), into('app', { bytesMax: 1024 * MIB }), piecesOf(zip));
    await expect(failed).rejects.toThrow(/unpacks to more than/);
    await nothingDone();
  });

  const BYTES: [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['something else', Buffer.from('<html>no zip</html>'.repeat(100))],
    ['half of one', evilZip(GOOD).subarray(0, 150)],
    ['one without its middle', cut(evilZip(GOOD), 100, 120)],
    ['one that is too large', Buffer.concat([evilZip(GOOD), Buffer.alloc(MIB)])],
  ];
  test.each(BYTES)('%s', async (_, bytes) => {
    await expect(unpack(callOf(), into('app', { clean: true }), piecesOf(bytes, 10_000))).rejects.toMatchObject({
      code: 'invalid',
    });
    await nothingDone();
  });

  test('any byte that is another', async () => {
    const zip = evilZip(GOOD);
    await fc.assert(
      fc.asyncProperty(fc.nat(zip.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        source = new MemorySource();
        const bytes = Buffer.from(zip);
        bytes[at] = (bytes[at] ?? 0) ^ bits;
        try {
          await unpack(callOf(), into('app'), piecesOf(bytes));
        } catch (error) {
          expect((error as MillraceError).code).toBe('invalid');
          expect(await kept()).toEqual({});
        }
        for (const path of Object.keys(await kept())) expect(path).toMatch(/^app\//);
      }),
      { numRuns: 400 },
    );
  });

  test('any name: below the folder, or refused', async () => {
    const part = fc.oneof(fc.constantFrom('..', '.', '', '\\', 'c:', '%2e%2e', '\0', 'a', 'con'), fc.string());
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 4 }), async (parts) => {
        source = new MemorySource();
        const zip = evilZip([{ name: parts.join('/').slice(0, 2000), content: '' }]);
        try {
          await unpack(callOf(), into('app'), piecesOf(zip));
        } catch (error) {
          expect((error as MillraceError).code).toBe('invalid');
        }
        for (const path of Object.keys(await kept())) {
          expect(path).toMatch(/^app\//);
          expect(path.split(/[/\\]/)).not.toContain('..');
        }
      }),
      { numRuns: 300 },
    );
  });

  const rulesOf = (...rules: [string, boolean, number][]) =>
    new PathRules(
      create(RulesSchema, {
        rules: rules.map(([component, wildcard, verbMask]) => ({ component, wildcard, verbMask })),
      }),
    );
  const RULES: [string, [string, boolean, number][]][] = [
    [
      'one file',
      [
        ['app/', true, POST_BIT | DELETE_BIT],
        ['app/css/site.css', false, 0],
      ],
    ],
    [
      'a folder that follows from a name',
      [
        ['app/', true, POST_BIT | DELETE_BIT],
        ['app/deep', false, 0],
      ],
    ],
    ['what would be cleaned away', [['app/', true, POST_BIT]]],
    ['another verb', [['app/', true, DELETE_BIT]]],
  ];
  test.each(RULES)('the role does not allow %s', async (_, rules) => {
    const failed = unpack(callOf(rulesOf(...rules)), into('app', { clean: true }), piecesOf(evilZip(GOOD)));
    await expect(failed).rejects.toMatchObject({ code: 'denied' });
    await nothingDone();
  });
  test('the role allows all of it', async () => {
    const call = callOf(rulesOf(['app/', true, POST_BIT]));
    expect(await unpack(call, into('app'), piecesOf(evilZip(GOOD)))).toBe(4);
  });

  const IN_THE_WAY: [string, Evil[]][] = [
    ['a file where a folder shall be', [{ name: 'old/x' }]],
    ['a file where a named folder shall be', [{ name: 'old/' }]],
  ];
  test.each(IN_THE_WAY)('%s', async (_, entries) => {
    await expect(unpack(callOf(), into('app'), piecesOf(evilZip([{ name: 'x' }, ...entries])))).rejects.toMatchObject({
      code: 'conflict',
    });
    await nothingDone();
  });
  test('a folder where a file shall be', async () => {
    await source.makeFolder('app/folder', soon());
    const failed = unpack(callOf(), into('app'), piecesOf(evilZip([{ name: 'x' }, { name: 'folder' }])));
    await expect(failed).rejects.toMatchObject({ code: 'conflict' });
    expect(Object.keys(await kept())).toEqual(['app/', 'app/folder/', 'app/old']);
  });
  test('a file where the folder itself shall be', async () => {
    const failed = unpack(callOf(), into('app/old', { clean: true }), piecesOf(evilZip(GOOD)));
    await expect(failed).rejects.toMatchObject({ code: 'conflict' });
    await nothingDone();
  });

  test('a sender who goes, and a caller', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield evilZip(GOOD).subarray(0, 50);
      throw callerGone();
    }
    await expect(unpack(callOf(), into('app'), broken())).rejects.toMatchObject({ code: 'cancelled' });
    const deadline = soon();
    async function* silent(): AsyncGenerator<Uint8Array> {
      yield evilZip(GOOD).subarray(0, 50);
      setTimeout(() => deadline.abort(callerGone()), 5);
      await new Promise(() => {});
    }
    await expect(unpack(callOf(undefined, deadline), into('app'), silent())).rejects.toMatchObject({
      code: 'cancelled',
    });
    await nothingDone();
  });
});

test('a storage that fails in the middle is said, and nothing goes on behind that', async () => {
  const entries = Array.from({ length: 100 }, (_, i) => ({ name: `${i}`, content: `${i}` }));
  const write = source.write.bind(source);
  let [begun, underway, most] = [0, 0, 0];
  source.write = async (...all) => {
    begun++;
    most = Math.max(most, ++underway);
    try {
      if (begun === 20) throw new MillraceError('unavailable', 'The storage is full.');
      await new Promise(setImmediate);
      return await write(...all);
    } finally {
      underway--;
    }
  };
  await expect(unpack(callOf(), into('app'), piecesOf(evilZip(entries)))).rejects.toThrow('The storage is full.');
  expect(underway).toBe(0);
  expect(most).toBeLessThanOrEqual(FILES_AT_ONCE);
  expect(begun).toBeLessThan(20 + FILES_AT_ONCE);
});
