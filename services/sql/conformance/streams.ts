/** Lists of any length, record by record. */
import { expect, test } from 'vitest';
import { callerGone, Deadline } from '#common/deadline.ts';
import type { Ask } from '#common/testing/bench.ts';
import { failureOf } from '#common/testing/bench.ts';
import { fields, insert, is, read } from '#common/testing/words.ts';
import { Paging, Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';
import { define } from './company.ts';

const ROWS = 6000;
/** So that the whole does not fit what a socket takes at once. */
const PADDING = 'ö'.repeat(100);
const TABLE = {
  name: 'long',
  field: [
    { name: 'id', type: 'integer', is_primary_key: true },
    { name: 'pad', type: 'text' },
  ],
};

const everything = (more: object = {}): Ask => read('long', { everything: true, order: [{ field: 'id' }], ...more });

async function linesOf(pieces: AsyncIterable<string>): Promise<unknown[]> {
  let text = '';
  for await (const piece of pieces) {
    expect(piece.endsWith('\n')).toBe(true);
    text += piece;
  }
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

export function tryStreams(bench: () => Bench): void {
  const fill = async (): Promise<void> => {
    await bench().ask(define([TABLE]));
    const known = (await bench().outcome(read('long', { countOnly: true }))) as { json: number };
    if (known.json > 0) return;
    await bench().ask(
      insert(
        'long',
        Array.from({ length: ROWS }, (_, id) => ({ id, pad: PADDING })),
      ),
    );
  };

  test('all records, beyond the most that a page shows', async () => {
    await fill();
    const lines = await linesOf(bench().stream(everything()));
    expect(lines).toEqual(Array.from({ length: ROWS }, (_, id) => ({ id, pad: PADDING })));
  });

  const CASES: readonly [why: string, ask: Ask, lines: unknown[]][] = [
    [
      'what a filter finds',
      everything({ filter: is('id', 'in', 1, 4000), ...fields('id') }),
      [{ id: 1 }, { id: 4000 }],
    ],
    ['nothing', everything({ filter: is('id', '<', 0) }), []],
    ['from an offset on', everything({ offset: ROWS - 1, ...fields('id') }), [{ id: ROWS - 1 }]],
    [
      'with related records',
      read('dept', {
        everything: true,
        order: [{ field: 'id' }],
        related: [{ name: 'emp_by_dept_id', ...fields('id'), order: [{ field: 'id' }] }],
        ...fields('id'),
      }),
      [
        { id: 1, emp_by_dept_id: [{ id: 1 }, { id: 2 }] },
        { id: 2, emp_by_dept_id: [{ id: 3 }, { id: 5 }] },
      ],
    ],
  ];
  test.each(CASES)('%s', async (_, ask, lines) => {
    await fill();
    expect(await linesOf(bench().stream(ask))).toEqual(lines);
  });

  const REFUSED: readonly [why: string, ask: Ask, failure: unknown][] = [
    ['a table that there is not', read('nowhere', { everything: true }), { code: 'not_found' }],
    ['a field that there is not', everything(fields('nothing')), { code: 'invalid', field: 'nothing' }],
    ['one record', everything({ target: Target.ONE }), { code: 'invalid' }],
    ['a page', everything({ paging: Paging.FIRST }), { code: 'invalid' }],
    ['what is no read', insert('long', []), { code: 'invalid' }],
  ];
  test.each(REFUSED)('not %s', async (_, ask, failure) => {
    await fill();
    const end = await bench().stream(ask).next().catch(failureOf);
    expect(end).toEqual(failure);
  });

  test('who leaves early ends it, and the database serves others', async () => {
    await fill();
    for (let i = 0; i < 10; i++) for await (const _ of bench().stream(everything())) break;
    expect(await bench().outcome(read('long', { countOnly: true }))).toEqual({ json: ROWS });
  });

  test('a caller who goes away ends it', async () => {
    await fill();
    const deadline = Deadline.after(30_000);
    const pieces = bench().stream(everything(), deadline);
    await pieces.next();
    deadline.abort(callerGone());
    const drain = async (): Promise<void> => {
      for await (const _ of pieces);
    };
    await expect(drain()).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('as many as there are connections for, and others go on meanwhile', async () => {
    await fill();
    const streams: AsyncGenerator<string>[] = [];
    let refused: unknown;
    while (!refused && streams.length < 10) {
      const stream = bench().stream(everything());
      refused = await stream.next().then(() => undefined, failureOf);
      if (!refused) streams.push(stream);
    }
    expect(refused).toEqual({ code: 'overloaded' });
    expect(streams.length).toBeGreaterThan(1);
    expect(await bench().outcome(read('long', { countOnly: true }))).toEqual({ json: ROWS });
    for (const stream of streams) await stream.return(undefined);
    expect(await linesOf(bench().stream(everything({ offset: ROWS - 1 })))).toHaveLength(1);
  });

  test('with related records, as many at once', async () => {
    const related = [{ name: 'emp_by_dept_id', ...fields('id') }];
    const ask = read('dept', { everything: true, related, ...fields('id') });
    const ends = await Promise.all([1, 2, 3].map(() => linesOf(bench().stream(ask))));
    for (const lines of ends) expect(lines).toHaveLength(2);
  });
}
