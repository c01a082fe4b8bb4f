import { expect, test } from 'vitest';
import { type Bench, outcomeOf } from './bench.ts';

const AT_ONCE = 5;

export function tryConditions(bench: () => Bench): void {
  test('create_only: a new file is made, one that is there stays', async () => {
    expect(await outcomeOf(bench().put('a', 'first', { createOnly: true }))).toBe('done');
    expect(await outcomeOf(bench().put('a', 'second', { createOnly: true }))).toBe('conflict');
    expect(await bench().text('a')).toBe('first');
    expect(await bench().paths('')).toEqual(['a']);
  });

  test('create_only: of several at once one wins, and it is whole', async () => {
    if (!bench().has('exclusive')) return;
    const contents = Array.from({ length: AT_ONCE }, (_, n) => String(n).repeat(200_000));
    const outcomes = await Promise.all(contents.map((text) => outcomeOf(bench().put('a', text, { createOnly: true }))));
    expect(outcomes.toSorted()).toEqual([...Array(AT_ONCE - 1).fill('conflict'), 'done']);
    expect(await bench().text('a')).toBe(contents[outcomes.indexOf('done')]);
  });

  test('if_etag: the version that is there is replaced, another is not, nor none', async () => {
    const { etag: first } = await bench().put('a', 'first');
    if (first === undefined) return expect(bench().has('etag')).toBe(false);
    expect(await outcomeOf(bench().put('a', 'no', { ifEtag: 'another' }))).toBe('contradiction');
    expect(await bench().text('a')).toBe('first');
    expect(await outcomeOf(bench().put('a', 'the second', { ifEtag: first }))).toBe('done');
    expect(await outcomeOf(bench().put('a', 'no', { ifEtag: first }))).toBe('contradiction');
    expect(await bench().text('a')).toBe('the second');
    expect(await outcomeOf(bench().put('missing', 'no', { ifEtag: first }))).toBe('contradiction');
    expect(await bench().paths('')).toEqual(['a']);
  });

  test('if_etag: of several at once one wins', async () => {
    const { etag: ifEtag } = await bench().put('a', 'first');
    if (!bench().has('compareAndSwap') || ifEtag === undefined) return;
    const contents = Array.from({ length: AT_ONCE }, (_, n) => String(n).repeat(200_000 + n));
    const outcomes = await Promise.all(contents.map((text) => outcomeOf(bench().put('a', text, { ifEtag }))));
    expect(outcomes.toSorted()).toEqual([...Array(AT_ONCE - 1).fill('contradiction'), 'done']);
    expect(await bench().text('a')).toBe(contents[outcomes.indexOf('done')]);
  });
}
