/** Trees, copies, removals and what a role says about them: over a disk, and over a store that does nothing at once. */
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ChangeInit, FileContext, ListOptions } from '#common/files/client.ts';
import { VERB_BITS } from '#common/verbs.ts';
import { type Rules, RulesSchema } from '#proto/files/v1/files_pb.ts';
import { bodyOf, SERVICES, soon, startTier, type Tier } from '../testing/tier.ts';

let tier: Tier;
beforeAll(async () => {
  tier = await startTier();
});
afterAll(() => tier.close());

const makeFolder = (path: string): ChangeInit => ({ kind: { case: 'makeFolder', value: { path } } });
const remove = (path: string, value: object = {}): ChangeInit => ({
  kind: { case: 'remove', value: { path, ...value } },
});
const copy = (from: string, to: string, value: object = {}): ChangeInit => ({
  kind: { case: 'copy', value: { from, to, ...value } },
});
const FOLDER = { isFolder: true };
const MOVE = { isFolder: true, move: true };

/** Component (a star at the end is a wildcard) → verbs. */
function rulesOf(rules: Readonly<Record<string, string>>): Rules {
  return create(RulesSchema, {
    rules: Object.entries(rules).map(([component, verbs]) => ({
      component: component.replace(/\*$/, ''),
      wildcard: component.endsWith('*'),
      verbMask: verbs.split(' ').reduce((sum, verb) => sum | (VERB_BITS[verb] ?? 0), 0),
    })),
  });
}

/** What each test begins with. */
const TREE = [
  'docs/',
  'docs/A.txt',
  'docs/b.txt',
  'docs/deep/',
  'docs/deep/er/',
  'docs/deep/er/x.TXT',
  'docs/empty/',
  'top.txt',
];

describe.each(SERVICES)('%s', (service) => {
  const context: FileContext = { service };
  const change = async (changes: ChangeInit[], more: Partial<FileContext> = {}) => {
    const { outcomes } = await tier.client.change({ ...context, ...more }, changes, soon());
    return outcomes.map((outcome) => ('error' in outcome ? outcome.error.code : 'done'));
  };
  const list = async (options: ListOptions, more: Partial<FileContext> = {}) => {
    const { entries } = await tier.client.list({ ...context, ...more }, options, soon());
    const paths: string[] = [];
    for await (const group of entries) paths.push(...group.map(({ path, isFolder }) => (isFolder ? `${path}/` : path)));
    return paths;
  };
  const tree = () => list({ path: '', fullTree: true });
  const text = async (path: string) => {
    const { body } = await tier.client.read(context, { path }, soon());
    let all = '';
    for await (const piece of body) all += Buffer.from(piece).toString();
    return all;
  };
  const write = (path: string, content: string) => tier.client.write(context, { path }, bodyOf(content), soon());

  beforeEach(async () => {
    await change([remove('', { isFolder: true, force: true, contentOnly: true })]);
    for (const path of TREE) {
      if (path.endsWith('/')) await change([makeFolder(path.slice(0, -1))]);
      else await write(path, path);
    }
  });

  const LISTS: { why: string; options: ListOptions; rules?: Record<string, string>; paths: string[] }[] = [
    { why: 'the root', options: {}, paths: ['docs/', 'top.txt'] },
    { why: 'a folder', options: { path: 'docs' }, paths: ['docs/A.txt', 'docs/b.txt', 'docs/deep/', 'docs/empty/'] },
    { why: 'all', options: { fullTree: true }, paths: TREE },
    {
      why: 'no files',
      options: { path: 'docs', fullTree: true, withoutFiles: true },
      paths: ['docs/deep/', 'docs/deep/er/', 'docs/empty/'],
    },
    {
      why: 'no folders',
      options: { fullTree: true, withoutFolders: true },
      paths: TREE.filter((path) => !path.endsWith('/')),
    },
    {
      why: 'a search',
      options: { fullTree: true, search: '.tXt' },
      paths: TREE.filter((path) => /\.txt$/i.test(path)),
    },
    {
      why: 'a search finds names, not the folders above',
      options: { fullTree: true, search: 'docs' },
      paths: ['docs/'],
    },
    { why: 'a role that may read nothing', options: { fullTree: true }, rules: {}, paths: [] },
    {
      why: 'a role with one folder',
      options: { fullTree: true },
      rules: { docs: 'GET', 'docs/deep/*': 'GET' },
      paths: ['docs/', 'docs/deep/', 'docs/deep/er/', 'docs/deep/er/x.TXT'],
    },
    {
      why: 'a folder that is not allowed hides what is in it',
      options: { fullTree: true },
      rules: { '*': 'GET', 'docs/deep': 'POST' },
      paths: TREE.filter((path) => !path.startsWith('docs/deep')),
    },
    { why: 'writing is not reading', options: {}, rules: { '*': 'GET', 'top.txt': 'POST PUT' }, paths: ['docs/'] },
    { why: 'rules are of any case', options: { path: 'docs' }, rules: { 'docs/a.txt': 'GET' }, paths: ['docs/A.txt'] },
  ];
  test.each(LISTS)('list: $why', async ({ options, rules, paths }) => {
    expect(await list(options, rules ? { rules: rulesOf(rules) } : {})).toEqual(paths);
  });

  test('folders: made, made again, in the place of a file, the root', async () => {
    const changes = [
      makeFolder('new'),
      makeFolder('new'),
      makeFolder('top.txt'),
      makeFolder(''),
      makeFolder('new/below'),
    ];
    expect(await change(changes)).toEqual(['done', 'conflict', 'conflict', 'invalid', 'done']);
  });

  test('folders above a new one', async () => {
    const isObject = service === 'memory';
    expect(await change([makeFolder('x/y/z')])).toEqual([isObject ? 'not_found' : 'done']);
    expect(await change([makeFolder('top.txt/z')])).toEqual(['conflict']);
    expect((await tree()).includes('x/y/z/')).toBe(!isObject);
  });

  interface Case {
    readonly why: string;
    readonly change: ChangeInit;
    readonly outcome?: string;
    readonly rules?: Record<string, string>;
    readonly writeBit?: number;
    /** From TREE: what is gone, what is new. */
    readonly gone?: readonly string[];
    readonly made?: readonly string[];
  }
  const below = TREE.filter((path) => path.startsWith('docs/') && path !== 'docs/');
  const deep = ['docs/deep/', 'docs/deep/er/', 'docs/deep/er/x.TXT'];
  const CHANGES: Case[] = [
    { why: 'remove a file', change: remove('top.txt'), gone: ['top.txt'] },
    { why: 'remove a file that is not there', change: remove('nothing'), outcome: 'not_found' },
    { why: 'remove a folder as a file', change: remove('docs'), outcome: 'not_found' },
    { why: 'remove an empty folder', change: remove('docs/empty', FOLDER), gone: ['docs/empty/'] },
    { why: 'remove a full folder', change: remove('docs', FOLDER), outcome: 'conflict' },
    { why: 'remove a file as a folder', change: remove('top.txt', FOLDER), outcome: 'not_found' },
    { why: 'remove the root', change: remove('', { ...FOLDER, force: true }), outcome: 'invalid' },
    { why: 'remove by force', change: remove('docs', { ...FOLDER, force: true }), gone: ['docs/', ...below] },
    { why: 'empty a full folder', change: remove('docs', { ...FOLDER, contentOnly: true }), outcome: 'conflict' },
    { why: 'empty by force', change: remove('docs', { ...FOLDER, contentOnly: true, force: true }), gone: below },
    {
      why: 'remove what a role may',
      change: remove('docs/deep', { ...FOLDER, force: true }),
      rules: { 'docs/deep/*': 'DELETE' },
      gone: deep,
    },
    {
      why: 'remove more than a role may',
      change: remove('docs', { ...FOLDER, force: true }),
      rules: { '*': 'DELETE', 'docs/deep/er/x.txt': 'GET' },
      outcome: 'denied',
    },
    { why: 'copy a file', change: copy('top.txt', 'docs/c'), made: ['docs/c'] },
    { why: 'copy a file that is not there', change: copy('nothing', 'docs/c'), outcome: 'not_found' },
    { why: 'copy a folder as a file', change: copy('docs', 'c'), outcome: 'not_found' },
    { why: 'copy onto a file', change: copy('top.txt', 'docs/b.txt'), outcome: 'conflict' },
    { why: 'copy onto a folder', change: copy('top.txt', 'docs', { overwrite: true }), outcome: 'conflict' },
    { why: 'copy onto itself', change: copy('top.txt', 'top.txt', { overwrite: true }), outcome: 'invalid' },
    { why: 'copy to no folder', change: copy('top.txt', 'no/such/c'), outcome: 'not_found' },
    { why: 'copy to the root', change: copy('top.txt', ''), outcome: 'invalid' },
    { why: 'move a file', change: copy('top.txt', 'docs/c', { move: true }), gone: ['top.txt'], made: ['docs/c'] },
    {
      why: 'move over a file',
      change: copy('top.txt', 'docs/b.txt', { move: true, overwrite: true }),
      gone: ['top.txt'],
    },
    {
      why: 'copy a folder',
      change: copy('docs/deep', 'docs/new', FOLDER),
      made: ['docs/new/', 'docs/new/er/', 'docs/new/er/x.TXT'],
    },
    { why: 'copy an empty folder', change: copy('docs/empty', 'e', FOLDER), made: ['e/'] },
    { why: 'copy a folder into itself', change: copy('docs', 'docs/deep/docs', FOLDER), outcome: 'invalid' },
    { why: 'move a folder into itself', change: copy('docs', 'docs/deep/docs', MOVE), outcome: 'invalid' },
    { why: 'copy the root into itself', change: copy('', 'docs/all', FOLDER), outcome: 'invalid' },
    { why: 'copy a folder onto one', change: copy('docs/deep', 'docs/empty', FOLDER), outcome: 'conflict' },
    {
      why: 'copy a folder into one',
      change: copy('docs/deep', 'docs/empty', { ...FOLDER, overwrite: true }),
      made: ['docs/empty/er/', 'docs/empty/er/x.TXT'],
    },
    {
      why: 'copy a folder onto a file',
      change: copy('docs/deep', 'top.txt', { ...FOLDER, overwrite: true }),
      outcome: 'conflict',
    },
    { why: 'copy a folder that is not there', change: copy('nothing', 'new', FOLDER), outcome: 'not_found' },
    {
      why: 'move a folder',
      change: copy('docs', 'new', MOVE),
      gone: ['docs/', ...below],
      made: ['new/', ...below.map((path) => path.replace('docs', 'new'))],
    },
    {
      why: 'move a folder over one',
      change: copy('docs/deep', 'docs/empty', { ...MOVE, overwrite: true }),
      gone: deep,
      made: ['docs/empty/er/', 'docs/empty/er/x.TXT'],
    },
    {
      why: 'copy what a role may',
      change: copy('docs/deep', 'new', FOLDER),
      rules: { 'docs/*': 'GET', 'new/*': 'POST' },
      made: ['new/', 'new/er/', 'new/er/x.TXT'],
    },
    {
      why: 'copy what a role may not read',
      change: copy('docs', 'new', FOLDER),
      rules: { '*': 'GET POST', 'docs/deep/er/x.txt': 'POST' },
      outcome: 'denied',
    },
    {
      why: 'copy to where a role may not write',
      change: copy('docs', 'new', FOLDER),
      rules: { '*': 'GET POST', 'new/deep/er': 'GET' },
      outcome: 'denied',
    },
    {
      why: 'copy with PUT by a role that may POST',
      change: copy('docs', 'new', FOLDER),
      rules: { '*': 'GET POST' },
      writeBit: 4,
      outcome: 'denied',
    },
    {
      why: 'move what a role may not remove',
      change: copy('docs', 'new', MOVE),
      rules: { '*': 'GET POST DELETE', 'docs/b.txt': 'GET' },
      outcome: 'denied',
    },
    { why: 'nothing that we know', change: { kind: { case: undefined } }, outcome: 'invalid' },
    {
      why: 'describe',
      change: { kind: { case: 'describe', value: { path: 'top.txt', propertiesJson: Buffer.from('{}') } } },
      outcome: 'unsupported',
    },
  ];
  test.each(CHANGES)('$why', async ({ change: one, outcome = 'done', rules, writeBit = 0, gone = [], made = [] }) => {
    expect(await change([one], { writeBit, ...(rules && { rules: rulesOf(rules) }) })).toEqual([outcome]);
    const expected = new Set([...TREE.filter((path) => !gone.includes(path)), ...made]);
    expect(new Set(await tree())).toEqual(expected);
  });

  test('each of several changes fails alone, and they are done in order', async () => {
    const changes = [
      makeFolder('a'),
      copy('docs', 'a', FOLDER),
      copy('docs/deep', 'a/deep', MOVE),
      remove('docs/deep', FOLDER),
      copy('a/deep/er/x.TXT', 'top.txt', { overwrite: true }),
    ];
    expect(await change(changes)).toEqual(['done', 'conflict', 'done', 'not_found', 'done']);
    expect(await text('top.txt')).toBe('docs/deep/er/x.TXT');
    expect(await text('a/deep/er/x.TXT')).toBe('docs/deep/er/x.TXT');
  });

  test('a copy has the bytes, and a life of its own', async () => {
    await change([copy('docs', 'twin', FOLDER)]);
    await write('docs/deep/er/x.TXT', 'changed');
    expect(await text('twin/deep/er/x.TXT')).toBe('docs/deep/er/x.TXT');
  });

  test('a tree of many files is copied, moved and removed whole', async () => {
    const names = Array.from({ length: 60 }, (_, n) => `docs/deep/${n}`);
    await Promise.all(names.map((name) => write(name, name)));
    expect(await change([copy('docs', 'twin', FOLDER), copy('twin/deep', 'moved', MOVE)])).toEqual(['done', 'done']);
    expect(await text('moved/33')).toBe('docs/deep/33');
    expect(await change(['docs', 'twin', 'moved'].map((path) => remove(path, { ...FOLDER, force: true })))).toEqual(
      Array(3).fill('done'),
    );
    expect(await tree()).toEqual(['top.txt']);
  });
});
