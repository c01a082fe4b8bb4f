/** Runs of one script and one caller that come at one time enter its isolate together: nobody may notice it. */
import { afterAll, describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { Lane, type RunReply, type Script } from '#proto/script/v1/script_pb.ts';
import { DEFAULT_CAPS } from './caps.ts';
import { Gathered } from './gathered.ts';
import { Pace } from './pace.ts';
import { packTexts, unpackTexts } from './packed.ts';
import { Bench, EVENT, read } from './testing/fakes.ts';

const quick = new Bench({ lane: 'quick', caps: { ...DEFAULT_CAPS, quickMillis: 500 } });
afterAll(() => quick.sandbox.close());

const ROUNDS = 8;
const AT_ONCE = 40;

const together = (script: Script, bench = quick): Promise<RunReply[]> =>
  Promise.all(
    Array.from({ length: AT_ONCE }, (_, n) =>
      bench.run(script, { ...EVENT, request: { ...EVENT.request, query: `fields=${n}` } }),
    ),
  );

const PLACE = 'const n = +event.request.parameters.fields;';

describe('runs that come together', () => {
  test('each has its own event and its own answer', async () => {
    const script = quick.store({ name: 'own', content: `${PLACE} return { n };` });
    for (let round = 0; round < ROUNDS; round++) {
      expect((await together(script)).map(read)).toMatchObject(
        Array.from({ length: AT_ONCE }, (_, n) => ({ returned: { n } })),
      );
    }
  });

  test('what one of them throws is its own', async () => {
    const script = quick.store({
      name: 'throws',
      content: `${PLACE} if (n % 3 === 0) throw new Error('at ' + n); return n;`,
    });
    for (let round = 0; round < ROUNDS; round++) {
      const replies = await together(script);
      replies.forEach(({ outcome }, n) => {
        if (n % 3 !== 0) expect(outcome.case).toBe('done');
        else expect(outcome.value).toMatchObject({ message: expect.stringContaining(`at ${n}`) });
      });
    }
  });

  test('logs belong to the run that wrote them', async () => {
    const lines: string[] = [];
    const log = { info: (_: object, text: string) => lines.push(text), warn() {}, error() {} } as never;
    const mine = new Bench({ lane: 'quick', caps: { ...DEFAULT_CAPS, quickMillis: 500 }, log });
    const script = mine.store({ content: `${PLACE} console.log('n is ' + n);` });
    await together(script, mine);
    await together(script, mine);
    await mine.sandbox.close();
    const each = Array.from({ length: AT_ONCE }, (_, n) => `n is ${n}`);
    expect(lines.toSorted()).toEqual([...each, ...each].toSorted());
  });

  test('one that does not end is sent to the other lane, and the others have their answers', async () => {
    const mine = new Bench({ lane: 'quick', caps: { ...DEFAULT_CAPS, quickMillis: 100 } });
    const script = mine.store({
      content: `${PLACE} while (n === 17 && event.request.method === 'POST'); return { n };`,
    });
    const easy = Promise.all(
      Array.from({ length: AT_ONCE }, () =>
        mine.run(script, { ...EVENT, request: { ...EVENT.request, method: 'GET' } }),
      ),
    );
    expect((await easy).every(({ outcome }) => outcome.case === 'done')).toBe(true);
    const replies = await together(script, mine);
    await mine.sandbox.close();
    replies.forEach((reply, n) => {
      if (n === 17) expect(reply).toMatchObject({ next: Lane.PATIENT, outcome: { case: 'elsewhere' } });
      else expect(read(reply)).toMatchObject({ returned: { n } });
    });
  });

  test('large answers come in parts', async () => {
    const script = quick.store({ name: 'large', content: `${PLACE} return { n, text: 'x'.repeat(300_000) };` });
    for (let round = 0; round < 3; round++) {
      const replies = (await together(script)).map(read) as { returned: { n: number; text: string } }[];
      expect(replies.map(({ returned: { n, text } }) => [n, text.length])).toEqual(
        Array.from({ length: AT_ONCE }, (_, n) => [n, 300_000]),
      );
    }
  });

  test('scripts do not meet those of others in it', async () => {
    const script = quick.store({
      name: 'keeps',
      content: 'globalThis.seen ??= platform.session.user.id; return { seen };',
    });
    const { kind, id, hash } = script;
    const as = (who: number) => ({
      sessionJson: Buffer.from(JSON.stringify({ user: { id: who } })),
      sessionId: `u${who}`,
    });
    for (let round = 0; round < 3; round++) {
      const replies = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, n) =>
          quick.sandbox.run({ ...quick.asRun({ kind, id, hash }), ...as(n % 4) }, Deadline.after(30_000)),
        ),
      );
      expect(replies.map(read)).toMatchObject(
        Array.from({ length: AT_ONCE }, (_, n) => ({ returned: { seen: n % 4 } })),
      );
    }
  });
});

describe('the pace', () => {
  const sizes = (count: number, size = 100): number[] => Array.from({ length: count }, () => size);

  test('begins with one, and grows while it is borne', () => {
    const pace = new Pace();
    const went: number[] = [];
    for (let round = 0; round < 8; round++) {
      const count = pace.next(sizes(100));
      went.push(count);
      pace.done(count, count * 10);
    }
    expect(went).toEqual([1, 2, 4, 8, 16, 32, 64, 64]);
  });

  test('long runs go alone', () => {
    const pace = new Pace();
    for (let round = 0; round < 5; round++) pace.done(1, 900);
    expect(pace.next(sizes(10))).toBe(1);
  });

  test('large ones go in smaller parts, and one goes whatever it is', () => {
    const pace = new Pace();
    for (let round = 0; round < 8; round++) pace.done(1, 1);
    expect(pace.next(sizes(10, 100_000))).toBe(2);
    expect(pace.next(sizes(10, 1_000_000))).toBe(1);
  });

  test('after one that was broken off they go alone for a while', () => {
    const pace = new Pace();
    for (let round = 0; round < 8; round++) pace.done(1, 1);
    pace.brokenOff();
    pace.done(1, 1);
    expect(pace.next(sizes(10))).toBe(1);
    for (let round = 0; round < 300; round++) pace.done(1, 1);
    expect(pace.next(sizes(10))).toBe(10);
  });
});

describe('several texts as one', () => {
  test.each([[['a']], [['', 'b', '']], [['é☃', '12;', '3,4']]])('%j', (texts) => {
    expect(unpackTexts(packTexts(texts), texts.length)).toEqual(texts);
  });

  test.each(['', ';', '1;', '1;ab', '3;ab', 'x;a', '1,;a', '1,1,1;abc', 'ab'])('is none: %s', (packed) => {
    expect(unpackTexts(packed, 2)).toBeUndefined();
  });
});

test('what comes in one turn is given on together, by key', async () => {
  const given: string[][] = [];
  const gathered = new Gathered<string>((group) => given.push([...group]));
  gathered.add('a', 'a1');
  gathered.add('b', 'b1');
  gathered.add('a', 'a2');
  await Promise.resolve();
  gathered.add('a', 'a3');
  await Promise.resolve();
  expect(given).toEqual([['a1', 'a2'], ['b1'], ['a3']]);
});
