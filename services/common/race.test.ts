import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { RaceAgainst } from './race.ts';

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function lasting() {
  let resolve = (_: string): void => {};
  let reject = (_: Error): void => {};
  const promise = new Promise<string>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { race: new RaceAgainst(promise), resolve: (text: string) => resolve(text), reject: (e: Error) => reject(e) };
}

test('what comes first counts', async () => {
  const { race, resolve } = lasting();
  expect(await race.wait(Promise.resolve(1))).toBe(1);
  await expect(race.wait(Promise.reject(new Error('bad')))).rejects.toThrow('bad');
  const cut = race.wait(new Promise<number>(() => {}));
  resolve('over');
  expect(await cut).toBe('over');
  expect(await race.wait(new Promise<number>(() => {}))).toBe('over');
  expect(await race.wait(Promise.resolve(2))).toBe(2);
});

test('a failure of the lasting one is that of the wait', async () => {
  const { race, reject } = lasting();
  const cut = race.wait(new Promise<number>(() => {}));
  reject(new Error('gone'));
  await expect(cut).rejects.toThrow('gone');
});

test('a failure that comes second, or with nobody waiting, disturbs nobody', async () => {
  const { race, resolve, reject } = lasting();
  let fail = (_: Error): void => {};
  const cut = race.wait(new Promise((_, no) => (fail = no)));
  resolve('over');
  await cut;
  fail(new Error('late'));
  reject(new Error('later'));
  lasting().reject(new Error('unheard'));
  await soon();
});

test('nothing is kept of what was waited for', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const { race } = lasting();
  const kept: WeakRef<object>[] = [];
  for (let n = 0; n < 10; n++) {
    const piece = await race.wait(Promise.resolve({ n }));
    kept.push(new WeakRef(piece as object));
  }
  for (let turn = 0; turn < 5; turn++) {
    await soon();
    gc();
  }
  expect(kept.filter((each) => each.deref() !== undefined).length).toBeLessThanOrEqual(1);
});
