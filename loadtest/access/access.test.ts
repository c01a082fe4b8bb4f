import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../services/system/database/open.ts';
import { type RunScope, Teardown } from '../process.ts';
import { ACCESS_CASES } from './cases.ts';
import { cpuSeconds, cpuTicks } from './cpu.ts';
import { Decisions } from './decide.ts';
import { APPS, fill, keyOfApp, ROLES, USERS } from './many.ts';

const scope: RunScope = { teardown: new Teardown(), signal: new AbortController().signal, folder: '' };

test('no two figures have one name', () => {
  const names = ACCESS_CASES.flatMap(({ figures }) => figures.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
});

test.each([
  { why: 'a plain name', stat: '7 (nginx) S 1 7 7 0 -1 4194304 100 0 0 0 12 34 5 6 20 0', expected: 46 },
  {
    why: 'a name that looks like fields',
    stat: '7 (a) b 1 (c) S 1 7 7 0 -1 4194304 100 0 0 0 1 2 5 6 20',
    expected: 3,
  },
])('the processor time of $why', ({ stat, expected }) => {
  expect(cpuTicks(stat)).toBe(expected);
});

test('this process has been on a processor', () => {
  expect(cpuSeconds([process.pid])).toBeGreaterThan(0);
});

test.each([{ services: 1 }, { services: 20 }])(
  'with 1,000 rules over $services services what is open is granted, the rest refused',
  ({ services }) => {
    const decisions = new Decisions(scope, services);
    const asked = decisions.freshBatch();
    expect(asked.map((each) => decisions.decide(each))).toEqual(asked.map(({ isOpen }) => isOpen));
    expect(new Set(asked.map(({ isOpen }) => isOpen))).toEqual(new Set([true, false]));
  },
);

test('a system database is filled as its schema wants it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-many-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'system.sqlite');
  const db = await openDatabase(`sqlite:${file}`);
  await db.destroy();
  const { appId, roleId } = fill(file);
  const filled = new Database(file, { readonly: true });
  onTestFinished(() => void filled.close());
  const count = (table: string) => filled.prepare(`select count(*) from "${table}"`).pluck().get();
  expect(['user', 'role', 'app'].map(count)).toEqual([USERS, ROLES, APPS]);
  expect(filled.prepare('select api_key, role_id from app where id = ?').get(appId)).toEqual({
    api_key: keyOfApp(APPS),
    role_id: roleId,
  });
});
