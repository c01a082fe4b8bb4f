import { describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError, notFound } from '#common/errors.ts';
import { BatchMode } from '#proto/data/v1/data_pb.ts';
import type { EachOptions, SqlSource, StatementOutcome } from '../engine.ts';
import type { Rows, Statement } from '../statement.ts';
import { runSteps, type Step } from './batch.ts';

const { STOP, CONTINUE, ROLLBACK, UNSPECIFIED } = BatchMode;

/** What a statement is called is what becomes of it. */
async function rowsOf({ text }: Statement): Promise<Rows> {
  if (text === 'refused') throw invalid('no');
  if (text === 'away') throw new MillraceError('unavailable', 'gone');
  const json = text === 'missing' || text === 'silent' ? '' : `"${text}"`;
  const count = json ? 1 : 0;
  return { count, json: Buffer.from(json), ends: [json.length], hidden: [], affected: text === 'missing' ? 0 : 1 };
}

class Fake {
  /** What was written and stays. */
  written: string[] = [];
  readonly options: EachOptions[] = [];
  readonly source = {
    runEach: (statements: readonly Statement[], options: EachOptions) => this.#runEach(statements, options),
    transaction: (work: (run: typeof rowsOf) => Promise<unknown>) => this.#transaction(work),
  } as unknown as SqlSource;

  async #runEach(statements: readonly Statement[], options: EachOptions): Promise<StatementOutcome[]> {
    this.options.push(options);
    const outcomes: StatementOutcome[] = [];
    for (const statement of statements) {
      try {
        outcomes.push({ rows: await rowsOf(statement) });
        this.written.push(statement.text);
      } catch (error) {
        if ((error as MillraceError).code !== 'invalid') throw error;
        outcomes.push({ error: error as MillraceError });
        if (options.mode === 'stop') break;
      }
    }
    return outcomes;
  }

  async #transaction(work: (run: typeof rowsOf) => Promise<unknown>): Promise<unknown> {
    const before = [...this.written];
    try {
      return await work((statement) => {
        this.written.push(statement.text);
        return rowsOf(statement);
      });
    } catch (error) {
      this.written = before;
      throw error;
    }
  }
}

const step = (name: string): Step =>
  name === 'unfit' ? { error: invalid('unfit') } : { statement: { text: name, params: [], columns: [] } };

/** The pieces, or the outcomes of a batch that failed, or the code of what concerns all. */
async function endOf(fake: Fake, mode: BatchMode, names: readonly string[]): Promise<unknown> {
  const missing = (index: number): MillraceError => notFound(`The record at ${index} is not there.`);
  try {
    const pieces = await runSteps(names.map(step), mode, fake.source, missing, Deadline.after(60_000));
    return pieces.map((json) => JSON.parse(Buffer.from(json).toString()));
  } catch (error) {
    const { code, batch } = error as MillraceError;
    if (!batch) return code;
    const outcomes = batch.outcomes.map((one) =>
      'error' in one ? one.error.code : JSON.parse(Buffer.from(one.json).toString()),
    );
    return { outcomes, rolledBack: batch.rolledBack };
  }
}

const failed = (...outcomes: unknown[]) => ({ outcomes, rolledBack: false });
const undone = (...outcomes: unknown[]) => ({ outcomes, rolledBack: true });

interface Case {
  readonly why: string;
  readonly mode: BatchMode;
  readonly names: readonly string[];
  readonly end: unknown;
  readonly written: readonly string[];
}

const CASES: readonly Case[] = [
  ...[STOP, CONTINUE, ROLLBACK].map((mode) => ({
    ...{ why: 'all that is well', mode, names: ['a', 'b'], end: ['a', 'b'], written: ['a', 'b'] },
  })),
  { why: 'nothing', mode: STOP, names: [], end: [], written: [] },
  { why: 'written without a row to show', mode: STOP, names: ['silent'], end: [{}], written: ['silent'] },
  { why: 'no mode stops', mode: UNSPECIFIED, names: ['refused', 'b'], end: failed('invalid'), written: [] },
  { why: 'stops', mode: STOP, names: ['a', 'refused', 'c'], end: failed('a', 'invalid'), written: ['a'] },
  {
    why: 'stops at a record that does not fit',
    mode: STOP,
    names: ['a', 'unfit', 'c'],
    end: failed('a', 'invalid'),
    written: ['a'],
  },
  {
    why: 'stops before one that does not fit',
    mode: STOP,
    names: ['refused', 'unfit'],
    end: failed('invalid'),
    written: [],
  },
  {
    why: 'nothing runs behind a first that does not fit',
    mode: STOP,
    names: ['unfit', 'b'],
    end: failed('invalid'),
    written: [],
  },
  {
    why: 'goes on',
    mode: CONTINUE,
    names: ['unfit', 'a', 'refused', 'missing', 'b'],
    end: failed('invalid', 'a', 'invalid', 'not_found', 'b'),
    written: ['a', 'missing', 'b'],
  },
  { why: 'undoes', mode: ROLLBACK, names: ['a', 'refused', 'c'], end: undone('a', 'invalid'), written: [] },
  {
    why: 'undoes for what does not fit',
    mode: ROLLBACK,
    names: ['a', 'unfit'],
    end: undone('a', 'invalid'),
    written: [],
  },
  {
    why: 'undoes for what is not there',
    mode: ROLLBACK,
    names: ['a', 'missing', 'c'],
    end: undone('a', 'not_found'),
    written: [],
  },
  ...[STOP, CONTINUE, ROLLBACK].map((mode) => ({
    ...{ why: 'a database that is away', mode, names: ['away', 'b'], end: 'unavailable', written: [] },
  })),
];

test.each(CASES)('$why (mode $mode)', async ({ mode, names, end, written }) => {
  const fake = new Fake();
  expect(await endOf(fake, mode, names)).toEqual(end);
  expect(fake.written).toEqual(written);
});

describe('how they are sent', () => {
  const many = Array.from({ length: 33 }, (_, i) => `n${i}`);
  test.each([
    {
      why: 'few are isolated from the start',
      mode: STOP,
      names: ['a', 'b'],
      options: [{ mode: 'stop', optimistic: false }],
    },
    { why: 'many are tried at once', mode: STOP, names: many, options: [{ mode: 'stop', optimistic: true }] },
    { why: 'going on', mode: CONTINUE, names: ['a'], options: [{ mode: 'continue', optimistic: false }] },
    { why: 'nothing of use is not sent', mode: CONTINUE, names: ['unfit'], options: [] },
  ])('$why', async ({ mode, names, options }) => {
    const fake = new Fake();
    await endOf(fake, mode, names);
    expect(fake.options).toEqual(options);
  });
});

test('what came back is handed to who asked for it', async () => {
  const fake = new Fake();
  const seen: string[] = [];
  const steps = ['a', 'b'].map(
    (name): Step => ({
      ...(step(name) as { statement: Statement }),
      onRows: ({ json }) => seen.push(Buffer.from(json).toString()),
    }),
  );
  for (const mode of [STOP, ROLLBACK]) {
    await runSteps(steps, mode, fake.source, () => notFound('gone'), Deadline.after(60_000));
  }
  expect(seen).toEqual(['"a"', '"b"', '"a"', '"b"']);
});
