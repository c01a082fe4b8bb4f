import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { FILE_PIECE_BYTES, FILES_AT_ONCE, MIB } from '#common/bounds.ts';
import { callerGone, Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { PathRules } from '#common/files/rules.ts';
import { RulesSchema } from '#proto/files/v1/files_pb.ts';
import type { Family } from '../backend.ts';
import { type Call, POST_BIT, READ_BIT } from '../call.ts';
import { MemorySource } from '../testing/memory.ts';
import { pack } from './pack.ts';
import { zipEntries } from './testing/read-zip.ts';

const LARGE = Buffer.alloc(3 * FILE_PIECE_BYTES + 7, 'large ');

async function sourceOf(files: Record<string, string | Buffer>): Promise<MemorySource> {
  const source = new MemorySource();
  for (const [path, content] of Object.entries(files)) {
    if (path.endsWith('/')) await source.makeFolder(path.slice(0, -1), Deadline.after(5000));
    else await put(source, path, content);
  }
  return source;
}

async function put(source: MemorySource, path: string, content: string | Buffer): Promise<void> {
  const options = { contentType: undefined, size: undefined, createOnly: false, ifEtag: undefined };
  await source.write(path, body(Buffer.from(content)), options, Deadline.after(5000));
}

async function* body(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

function callOf(source: MemorySource, family: Family = 'local', rules = new PathRules(undefined)): Call {
  return { source, family, rules, writeBit: POST_BIT, deadline: Deadline.after(20_000) };
}

async function zipOf(call: Call, folder: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of pack(call, folder)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const TREE = {
  'a/': '',
  'a/b/': '',
  'a/b/one.txt': 'one one one one one one one one',
  'a/b.txt': 'between',
  'a/empty/': '',
  'a/large.log': LARGE,
  'a/packed.jpg': LARGE,
  'a/日本 語+%#.txt': 'name',
  'a/zero': '',
  'other/': '',
  'other/x': 'x',
};

describe('what is in it', () => {
  const CASES: [Family, string, string][] = [
    ['local', 'a', 'a/'],
    ['remote', 'a', 'a/'],
    ['object', 'a', ''],
  ];
  test.each(CASES)('%s: names from where they should be, sorted, contents whole', async (family, folder, prefix) => {
    const source = await sourceOf(TREE);
    const entries = await zipEntries(await zipOf(callOf(source, family), folder));
    const names = ['b/one.txt', 'b.txt', 'empty/', 'large.log', 'packed.jpg', 'zero', '日本 語+%#.txt'];
    expect(entries.map(({ name }) => name)).toEqual(names.map((name) => prefix + name));
    for (const { name, content } of entries) {
      const kept = TREE[`a/${name.slice(prefix.length)}` as keyof typeof TREE];
      expect(content.equals(Buffer.from(kept))).toBe(true);
    }
    expect(source.reading).toBe(0);
  });

  test.each<Family>(['local', 'object'])('%s: the root', async (family) => {
    const entries = await zipEntries(await zipOf(callOf(await sourceOf({ ...TREE }), family), ''));
    expect(entries.map(({ name }) => name)).toContain('a/b/one.txt');
    expect(entries.map(({ name }) => name)).toContain('other/x');
  });

  test('an empty folder is a zip without entries', async () => {
    expect(await zipEntries(await zipOf(callOf(await sourceOf({ 'a/': '' })), 'a'))).toEqual([]);
  });

  test('what is packed already, and what does not become smaller, is stored', async () => {
    const entries = await zipEntries(await zipOf(callOf(await sourceOf(TREE)), 'a'));
    const packed = entries.filter(({ method }) => method === 8).map(({ name }) => name);
    expect(packed).toEqual(['a/b/one.txt', 'a/large.log']);
  });

  test('times to the second', async () => {
    const source = await sourceOf({ 'a/': '', 'a/x': 'x' });
    const { modifiedMs } = (await source.stat('a/x', Deadline.after(1000)))!;
    const [entry] = await zipEntries(await zipOf(callOf(source), 'a'));
    expect(entry?.modified.getTime()).toBe(Math.floor(modifiedMs! / 1000) * 1000);
  });

  test('only what the role may read', async () => {
    const rule = (component: string, wildcard: boolean, verbMask: number) => ({ component, wildcard, verbMask });
    const rules = create(RulesSchema, {
      rules: [rule('a/', true, READ_BIT), rule('a/b/one.txt', false, 0), rule('a/large.log', false, POST_BIT)],
    });
    const entries = await zipEntries(await zipOf(callOf(await sourceOf(TREE), 'local', new PathRules(rules)), 'a'));
    const names = ['a/b.txt', 'a/empty/', 'a/packed.jpg', 'a/zero', 'a/日本 語+%#.txt'];
    expect(entries.map(({ name }) => name)).toEqual(names);
  });
});

describe('what goes wrong', () => {
  test('a file that vanishes is left out', async () => {
    const source = await sourceOf(TREE);
    const read = source.read.bind(source);
    source.read = async (path, ...rest) => {
      if (path === 'a/b.txt') await source.remove(path, Deadline.after(1000));
      return read(path, ...rest);
    };
    const entries = await zipEntries(await zipOf(callOf(source), 'a'));
    expect(entries.map(({ name }) => name)).not.toContain('a/b.txt');
    expect(entries).toHaveLength(6);
  });

  test.each(['a/b.txt', 'a/large.log', 'a/packed.jpg'])('%s fails in the middle: so does the zip', async (broken) => {
    const source = await sourceOf(TREE);
    const read = source.read.bind(source);
    source.read = async (path, ...rest) => {
      const opened = await read(path, ...rest);
      return path === broken ? { ...opened, body: breaking(opened.body) } : opened;
    };
    await expect(zipOf(callOf(source), 'a')).rejects.toMatchObject({ code: 'unavailable' });
    expect(source.reading).toBe(0);
  });

  async function* breaking(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const piece of pieces) {
      yield piece;
      bytes += piece.length;
      if (bytes === 7 || bytes > FILE_PIECE_BYTES) throw new MillraceError('unavailable', 'The storage is gone.');
    }
  }

  test('a caller who goes', async () => {
    const source = await sourceOf(TREE);
    const call = callOf(source);
    const pieces = pack(call, 'a');
    await pieces.next();
    call.deadline.abort(callerGone());
    await expect(
      (async () => {
        for await (const _ of pieces);
      })(),
    ).rejects.toMatchObject({ code: 'cancelled' });
    expect(source.reading).toBe(0);
  });

  test('leaving at any piece gives every file back', async () => {
    const source = await sourceOf(TREE);
    for (let pieces = 0; ; pieces++) {
      let left = pieces;
      let isOver = true;
      for await (const _ of pack(callOf(source), 'a')) {
        if (left-- > 0) continue;
        isOver = false;
        break;
      }
      expect(source.reading).toBe(0);
      if (isOver) break;
    }
  });
});

describe('many files', () => {
  const COUNT = 10_000;

  async function many(): Promise<MemorySource> {
    const source = await sourceOf({ 'a/': '' });
    for (let i = 0; i < COUNT; i++) await put(source, `a/${i}.txt`, `the content of file ${i}`.repeat(10));
    return source;
  }

  test('they are opened as the zip is taken, a few ahead, and it is small in memory', async () => {
    const source = await many();
    let opened = 0;
    const read = source.read.bind(source);
    source.read = (...all) => {
      opened++;
      return read(...all);
    };
    const began = performance.now();
    let [pieces, bytes, firstMs, most] = [0, 0, 0, 0];
    const before = process.memoryUsage().arrayBuffers;
    for await (const piece of pack(callOf(source), 'a')) {
      firstMs ||= performance.now() - began;
      // Header and content: two pieces of each.
      expect(opened).toBeLessThanOrEqual(pieces / 2 + 1 + FILES_AT_ONCE);
      pieces++;
      bytes += piece.length;
      if (pieces % 500 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(firstMs).toBeLessThan(500);
    expect(opened).toBe(COUNT);
    expect(bytes).toBeGreaterThan(COUNT * 100);
    expect(most).toBeLessThan(30 * MIB);
  });
});
