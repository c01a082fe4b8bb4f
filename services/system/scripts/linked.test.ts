import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MillraceError, notFound } from '#common/errors.ts';
import type { FileEntry } from '#common/files/entry.ts';
import { createLogger } from '#common/observe/log.ts';
import { LinkedScripts, type ScriptFiles } from './linked.ts';

const LINK = { service: 'files', path: 'scripts/a.js', version: '1' };
const NEXT_LOOK_MS = 6_000;

interface File {
  readonly text: string;
  readonly etag?: string;
  readonly isFolder?: boolean;
}

/** One file, or why there is none. */
let file: File | MillraceError;
let reads: number;
let changes: number;
let linked: LinkedScripts;

const FILES = {
  stat: async () => {
    if (file instanceof MillraceError) throw file;
    return { entry: entryOf(file) };
  },
  read: async () => {
    if (file instanceof MillraceError) throw file;
    reads++;
    const { text } = file;
    return {
      body: (async function* () {
        for (const half of [text.slice(0, 5), text.slice(5)]) yield Buffer.from(half);
      })(),
    };
  },
} as unknown as ScriptFiles;

function entryOf({ text, etag, isFolder = false }: File): FileEntry {
  return { path: LINK.path, isFolder, size: text.length, modifiedMs: undefined, contentType: undefined, etag };
}

beforeEach(() => {
  vi.useFakeTimers();
  [reads, changes] = [0, 0];
  linked = new LinkedScripts(FILES, () => changes++, createLogger('test', 'silent'));
});
afterEach(async () => {
  await linked.close();
  vi.useRealTimers();
});

const text = (): string => linked.textOf(LINK);
const later = (ms = NEXT_LOOK_MS): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

test('is what stands in the file when it is followed, and read again when the file is another one', async () => {
  file = { text: 'return 1;', etag: 'a' };
  await linked.follow('events', [LINK]);
  expect([text(), reads]).toEqual(['return 1;', 1]);
  await later();
  expect([reads, changes]).toEqual([1, 0]);
  file = { text: 'return 2;', etag: 'b' };
  await later();
  expect([text(), reads, changes]).toEqual(['return 2;', 2, 1]);
});

test('a file of which nothing tells whether it has changed is read each time, and told of when it has', async () => {
  file = { text: 'return 1;' };
  await linked.follow('services', [LINK]);
  await later();
  expect(reads).toBeGreaterThan(1);
  expect(changes).toBe(0);
  file = { text: 'return 2;' };
  await later();
  expect([text(), changes]).toEqual(['return 2;', 1]);
});

describe('a script whose file cannot be read', () => {
  const CASES: [why: string, file: File | MillraceError, says: RegExp][] = [
    ['is not there', notFound('There is no file.'), /files\/scripts\/a\.js .*There is no file/],
    ['is a folder', { text: '', isFolder: true }, /no such file/],
    ['is too large', { text: 'a'.repeat(2 ** 20 + 1), etag: 'a' }, /larger than 1048576 bytes/],
    ['is where nobody answers', new MillraceError('unavailable', 'Nobody answers.'), /Nobody answers/],
  ];
  test.each(CASES)('says so where it is run: it %s', async (_why, what, says) => {
    file = what;
    await linked.follow('events', [LINK]);
    expect(() => new Function(text())()).toThrow(says);
    file = { text: 'return 3;', etag: 'c' };
    await later();
    expect([text(), changes]).toEqual(['return 3;', 1]);
  });

  test('goes on with what was read where the storage is away, and ends where the file is gone', async () => {
    file = { text: 'return 1;', etag: 'a' };
    await linked.follow('events', [LINK]);
    file = new MillraceError('unavailable', 'Nobody answers.');
    await later();
    expect([text(), changes]).toEqual(['return 1;', 0]);
    file = notFound('There is no file.');
    await later();
    expect(() => new Function(text())()).toThrow('There is no file.');
    expect(changes).toBe(1);
  });

  test('is looked at again soon where nothing is known of it yet', async () => {
    file = new MillraceError('unavailable', 'Nobody answers.');
    await linked.follow('events', [LINK]);
    file = { text: 'return 1;', etag: 'a' };
    await later(300);
    expect(text()).toBe('return 1;');
  });
});

test('is read again when its record is stored again', async () => {
  file = { text: 'return 1;', etag: 'a' };
  await linked.follow('events', [LINK]);
  file = { text: 'return 2;', etag: 'b' };
  await linked.follow('events', [LINK]);
  expect(text()).toBe('return 1;');
  await linked.follow('events', [{ ...LINK, version: '2' }]);
  expect(text()).toBe('return 2;');
});

test('is read again when something was written in its service', async () => {
  file = { text: 'return 1;', etag: 'a' };
  await linked.follow('events', [LINK]);
  file = { text: 'return 2;', etag: 'b' };
  await linked.look('another');
  expect([text(), changes]).toEqual(['return 1;', 0]);
  await linked.look(LINK.service);
  expect([text(), changes]).toEqual(['return 2;', 1]);
});

test('one that nobody wants is not looked at any longer', async () => {
  file = { text: 'return 1;' };
  await linked.follow('events', [LINK]);
  await linked.follow('services', [LINK]);
  await linked.follow('events', []);
  const before = reads;
  await later();
  expect(reads).toBe(before + 1);
  await linked.follow('services', []);
  await later();
  expect(reads).toBe(before + 1);
});
