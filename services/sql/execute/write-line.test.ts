import { expect, test } from 'vitest';
import { callerGone, Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import type { SqlSource, StatementOutcome } from '../engine.ts';
import type { Param, Rows, Statement } from '../statement.ts';
import { type BulkForm, type SingleWrite, WriteLine } from './write-line.ts';

const rowsOf = (...values: readonly Param[]): Rows => {
  const json = values.map((value) => `{"v":${String(value)}}`);
  let end = -1;
  return {
    count: json.length,
    json: Buffer.from(json.join()),
    ends: json.map((one) => {
      end += one.length + 1;
      return end;
    }),
    hidden: values.map(String),
    affected: json.length,
  };
};
const failed = (error: MillraceError): StatementOutcome => ({ error });

/** Refuses 13, loses its connection at 99, keeps negative ones out. */
class Fake {
  readonly sent: string[][] = [];
  readonly line = new WriteLine({
    runEach: (statements: readonly Statement[]) => this.#runEach(statements),
  } as unknown as SqlSource);

  async #runEach(statements: readonly Statement[]): Promise<StatementOutcome[]> {
    this.sent.push(statements.map(({ text, params }) => `${text} ${params.join()}`));
    if (statements.some(({ params }) => params.includes(99))) throw new MillraceError('unavailable', 'gone');
    return statements.map(({ params }) => {
      if (params.includes(13)) return failed(invalid('no 13'));
      return { rows: rowsOf(...params.filter((one) => Number(one) >= 0)) };
    });
  }
}

const form = (name: string): BulkForm => ({
  isUneven: false,
  sizes: undefined,
  many: (rows) => ({ text: `many ${name}`, params: rows.flat(), columns: [] }),
});
const write = (value: number, bulk?: BulkForm, deadline = Deadline.after(60_000)): SingleWrite => ({
  statement: { text: 'one', params: [value], columns: [] },
  deadline,
  bulk,
  values: [value],
});

async function ends(line: WriteLine, writes: readonly SingleWrite[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(writes.map((one) => line.write(one)));
  return settled.map((one) =>
    one.status === 'fulfilled' ? Buffer.from(one.value.json).toString() || one.value.affected : one.reason.code,
  );
}
const shown = (value: number): string => `{"v":${value}}`;

test('one goes alone', async () => {
  const { line, sent } = new Fake();
  expect(await ends(line, [write(1, form('a'))])).toEqual([shown(1)]);
  expect(sent).toEqual([['one 1']]);
});

test('those of one form become one statement, all of them one commit', async () => {
  const { line, sent } = new Fake();
  const [a, b] = [form('a'), form('b')];
  const writes = [write(1, a), write(2), write(3, a), write(4, b), write(5, a)];
  expect(await ends(line, writes)).toEqual([1, 2, 3, 4, 5].map(shown));
  expect(sent).toEqual([['many a 1,3,5', 'one 2', 'one 4']]);
});

test('what fails together is tried alone', async () => {
  const { line, sent } = new Fake();
  const a = form('a');
  expect(await ends(line, [write(1, a), write(13, a), write(2, a), write(3)])).toEqual([
    shown(1),
    'invalid',
    shown(2),
    shown(3),
  ]);
  expect(sent).toEqual([
    ['many a 1,13,2', 'one 3'],
    ['one 1', 'one 13', 'one 2'],
  ]);
});

test('what concerns the database concerns all, and nothing is tried again', async () => {
  const { line, sent } = new Fake();
  const a = form('a');
  expect(await ends(line, [write(1, a), write(99, a), write(2)])).toEqual([
    'unavailable',
    'unavailable',
    'unavailable',
  ]);
  expect(sent).toHaveLength(1);
});

test('nobody is shown what another wrote, and the form is used no more', async () => {
  const { line, sent } = new Fake();
  const a = form('a');
  const writes = [write(1, a), write(-2, a), write(3, a)];
  expect(await ends(line, writes)).toEqual([1, 1, 1]);
  expect(await ends(line, writes)).toEqual([shown(1), 0, shown(3)]);
  expect(sent).toEqual([['many a 1,-2,3'], ['one 1', 'one -2', 'one 3']]);
});

test('who left is not written, and takes no others with him', async () => {
  const { line, sent } = new Fake();
  const gone = Deadline.after(60_000);
  gone.abort(callerGone());
  const a = form('a');
  expect(await ends(line, [write(1, a, gone), write(2, a)])).toEqual(['cancelled', shown(2)]);
  expect(await ends(line, [write(3, a, gone)])).toEqual(['cancelled']);
  expect(sent).toEqual([['one 2']]);
});
