/** Recorded exchanges with the original: what is answered otherwise is known, and explained in docs/compatibility.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client as PgClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningPostgres, startPostgres } from '../testing/postgres.ts';
import { PREPARATION, type Replay, readDifferences, replay, whyNoReplay } from './conformance.ts';
import { ADMIN, type Product, startProduct } from './product.ts';

/** Of exchanges about records: answered the same, or answered here where the original refuses. */
const SHARE_MIN = 0.95;
/** In these one cause, such as a table or a service that is not there, differs again and again. */
const REPEATING = /schema|related/;
const isJudged = (group: string): boolean => group.startsWith('gold') && !REPEATING.test(group);

const reason = whyNoReplay();
const suite = reason ? describe.skip : describe;

suite(`recorded exchanges${reason ? `: ${reason}` : ''}`, () => {
  let postgres: RunningPostgres | undefined;
  let product: Product | undefined;
  let result: Replay;
  beforeAll(async () => {
    postgres = await startPostgres();
    const pg = new PgClient(postgres.url);
    await pg.connect();
    await pg.query(readFileSync(PREPARATION, 'utf8'));
    await pg.end();
    product = await startProduct();
    // As the one of the recordings is called.
    const { id } = await product.admin.json<{ id: number }>('GET', 'system/admin/session');
    const name = { name: 'Ada Admin', first_name: 'Ada', last_name: 'Admin' };
    await product.admin.json('PATCH', `system/admin/${id}`, name);
    result = await replay(product.origin, ADMIN, join(product.folder, 'gold.sqlite'), postgres);
  });
  afterAll(async () => {
    await product?.stop();
    await postgres?.stop();
  });

  test('every difference is explained', () => {
    const explained = readDifferences();
    const unexplained = result.differences.filter(({ exchange }) => !(exchange in explained));
    expect(unexplained).toEqual([]);
  });

  test('every explanation is of a difference that there is', () => {
    const found = new Set(result.differences.map(({ exchange }) => exchange));
    expect(Object.keys(readDifferences()).filter((exchange) => !found.has(exchange))).toEqual([]);
  });

  test('nearly all are answered the same, or accepted where the original refuses', () => {
    const groups = [...result.groups].filter(([name]) => isJudged(name));
    const sum = (of: (group: { same: number; all: number }) => number): number =>
      groups.reduce((total, [, group]) => total + of(group), 0);
    const beyond = result.differences.filter(({ accepted }) => accepted);
    const accepted = beyond.filter(({ exchange }) => isJudged(exchange.split(' / ')[0] ?? '')).length;
    const all = result.same + result.differences.length;
    process.stdout.write(`recorded exchanges: ${result.same} of ${all} the same, ${beyond.length} accepted beyond\n`);
    expect(groups.length).toBeGreaterThan(20);
    expect((sum((group) => group.same) + accepted) / sum((group) => group.all)).toBeGreaterThanOrEqual(SHARE_MIN);
  });
});
