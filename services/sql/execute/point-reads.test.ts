import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { callerGone, Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { SchemaMismatch } from '#common/schema/mismatch.ts';
import { wireValue } from '#common/testing/bench.ts';
import { column } from '#common/testing/catalogue.ts';
import { type Operation, OperationSchema } from '#proto/data/v1/data_pb.ts';
import { type CompileContext, SqlBuilder, type Template } from '../compile/builder.ts';
import { ListTemplate } from '../compile/list.ts';
import type { SqlSource } from '../engine.ts';
import { mysqlDialect } from '../mysql/dialect.ts';
import type { Param, Rows, Statement } from '../statement.ts';
import { PointReads } from './point-reads.ts';

const SINGLE: Template = { text: 'one', binders: [({ record }) => record[0] ?? null], columns: [] };

/** Has what `found` says about a key, looks it up as `same` says; fails of some keys. */
class Fake {
  readonly sent: string[] = [];
  readonly #found: (key: Param) => string | undefined;
  readonly #fails: ReadonlyMap<Param, MillraceError>;

  constructor(found: (key: Param) => string | undefined, fails: readonly (readonly [Param, MillraceError])[] = []) {
    this.#found = found;
    this.#fails = new Map(fails);
  }

  reads(isExact = true): PointReads {
    const many = new ListTemplate(mysqlDialect, (condition) => {
      const builder = new SqlBuilder({ dialect: mysqlDialect } as CompileContext);
      condition('k', column('k'), builder);
      return builder.add('many').finish([]);
    });
    const source = { run: (statement: Statement) => this.#run(statement) } as unknown as SqlSource;
    return new PointReads(source, SINGLE, many, { isExact });
  }

  async #run({ text, params }: Statement): Promise<Rows> {
    const keys = [...new Set(params)];
    this.sent.push(`${text} ${keys.join()}`);
    for (const key of keys) if (this.#fails.has(key)) throw this.#fails.get(key);
    const hits = [...new Set(keys.flatMap((key) => this.#found(key) ?? []))];
    const pieces = hits.map((hit) => `{"k":"${hit}"}`);
    let end = -1;
    const ends = pieces.map((piece) => {
      end += piece.length + 1;
      return end;
    });
    return { count: hits.length, json: Buffer.from(pieces.join()), ends, hidden: hits, affected: hits.length };
  }
}

const asking = (...parameters: unknown[]): Operation =>
  create(OperationSchema, { parameters: parameters.map(wireValue) });
const soon = (): Deadline => Deadline.after(60_000);

interface Ask {
  readonly key: Param;
  readonly operation?: Operation;
  readonly deadline?: Deadline;
}

async function ends(reads: PointReads, asks: readonly Ask[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(
    asks.map(({ key, operation = asking(), deadline = soon() }) => reads.read(operation, key, deadline)),
  );
  return settled.map((one) => {
    if (one.status === 'rejected') return MillraceError.from(one.reason).code;
    return one.value && JSON.parse(Buffer.from(one.value).toString()).k;
  });
}
const keys = (...list: Param[]): Ask[] => list.map((key) => ({ key }));
const upTo =
  (max: number) =>
  (key: Param): string | undefined =>
    Number(key) <= max ? String(key) : undefined;

test('one goes alone', async () => {
  const fake = new Fake(upTo(5));
  expect(await ends(fake.reads(), keys(3))).toEqual(['3']);
  expect(await ends(fake.reads(), keys(9))).toEqual([undefined]);
  expect(fake.sent).toEqual(['one 3', 'one 9']);
});

test('those of one turn become one statement, each gets its own', async () => {
  const fake = new Fake(upTo(5));
  expect(await ends(fake.reads(), keys(3, 9, 1, 3, 5))).toEqual(['3', undefined, '1', '3', '5']);
  expect(fake.sent).toEqual(['many 3,9,1,5']);
});

test('those with conditions of the same values go together', async () => {
  const fake = new Fake(upTo(5));
  const asks = [1, 2, 3, 4, 5].map((key) => ({ key, operation: asking(key % 2 === 0 ? 'even' : 'odd') }));
  const lone = { key: 4, operation: asking('other') };
  expect(await ends(fake.reads(), [...asks, lone])).toEqual(['1', '2', '3', '4', '5', '4']);
  expect(fake.sent.sort()).toEqual(['many 1,3,5', 'many 2,4', 'one 4']);
});

test('a key that the database refuses fails alone', async () => {
  const fake = new Fake(upTo(5), [[2, invalid('no')]]);
  expect(await ends(fake.reads(), keys(1, 2, 3))).toEqual(['1', 'invalid', '3']);
  expect(fake.sent).toEqual(['many 1,2,3', 'one 1', 'one 2', 'one 3']);
});

test.each([
  ['a database that is away', new MillraceError('unavailable', 'gone')],
  ['an overloaded one', new MillraceError('overloaded', 'full')],
  ['a table that is not what it was', new SchemaMismatch('invalid', 'changed')],
  ['what nobody foresaw', new Error('odd') as MillraceError],
])('%s concerns all, and nothing is asked again', async (_, error) => {
  const fake = new Fake(upTo(5), [[2, error]]);
  const { code } = MillraceError.from(error);
  expect(await ends(fake.reads(), keys(1, 2, 3))).toEqual([code, code, code]);
  expect(fake.sent).toHaveLength(1);
});

test('who left is not read for', async () => {
  const fake = new Fake(upTo(5));
  const gone = soon();
  gone.abort(callerGone());
  expect(await ends(fake.reads(), [{ key: 1, deadline: gone }, { key: 2 }])).toEqual(['cancelled', '2']);
  expect(fake.sent).toEqual(['one 2']);
});

/** As a database that does not tell capitals apart. */
const folded = (key: Param): string | undefined =>
  /^[abc]$/i.test(String(key)) ? String(key).toLowerCase() : undefined;

test.each<[why: string, asked: Param[], got: unknown[], sent: string[]]>([
  ['all as they are written', ['a', 'b'], ['a', 'b'], ['many a,b']],
  ['one that is written otherwise', ['a', 'B'], ['a', 'b'], ['many a,B', 'one B']],
  ['several of which some are', ['a', 'B', 'x'], ['a', 'b', undefined], ['many a,B,x', 'many B,x', 'one B', 'one x']],
  ['several of which none is', ['a', 'x', 'y'], ['a', undefined, undefined], ['many a,x,y', 'many x,y']],
  ['nothing at all', ['x', 'y'], [undefined, undefined], ['many x,y']],
])('keys that the database compares in its own way: %s', async (_, asked, got, sent) => {
  const fake = new Fake(folded);
  expect(await ends(fake.reads(false), keys(...asked))).toEqual(got);
  expect(fake.sent).toEqual(sent);
});
