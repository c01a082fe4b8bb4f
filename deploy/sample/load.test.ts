import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSampleDatabase, parseCsv } from './load.ts';

const CSV_CASES = [
  { why: 'the header is left out', text: 'a,b\n1,2\n', rows: [['1', '2']] },
  { why: 'a last line without an end counts', text: 'a,b\n1,2', rows: [['1', '2']] },
  { why: 'a quoted field may hold a comma', text: 'a,b\n"1,5",2\n', rows: [['1,5', '2']] },
  { why: 'a doubled quote is one quote', text: 'a,b\n"W. ""Bud"" B",2\n', rows: [['W. "Bud" B', '2']] },
  { why: 'empty fields stay', text: 'a,b,c\n,,\n', rows: [['', '', '']] },
  { why: 'lines may end as on Windows', text: 'a,b\r\n1,2\r\n', rows: [['1', '2']] },
];
test.each(CSV_CASES)('$why', ({ text, rows }) => {
  expect(parseCsv(text)).toEqual(rows);
});

describe('the sample database', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-sample-'));
  const file = join(folder, 'sample.db');
  let database: Database.Database;
  beforeAll(() => {
    createSampleDatabase(file, import.meta.dirname);
    database = new Database(file, { readonly: true });
  });
  afterAll(() => {
    database.close();
    rmSync(folder, { recursive: true });
  });

  const ROW_CASES = [
    { why: 'every airport is there', sql: 'SELECT count(*) AS n FROM airport', row: { n: 3376 } },
    { why: 'every route is there', sql: 'SELECT count(*) AS n FROM route', row: { n: 5366 } },
    {
      why: 'what is not available is NULL',
      sql: "SELECT city, state FROM airport WHERE iata = 'MIB'",
      row: { city: null, state: null },
    },
    {
      why: 'a route leads from an airport to an airport',
      sql: `SELECT o.iata AS origin, d.iata AS destination, flights FROM route
            JOIN airport o ON o.id = origin_id JOIN airport d ON d.id = destination_id ORDER BY route.id LIMIT 1`,
      row: { origin: 'ABE', destination: 'ATL', flights: 853 },
    },
  ];
  test.each(ROW_CASES)('$why', ({ sql, row }) => {
    expect(database.prepare(sql).get()).toEqual(row);
  });

  test('a file that exists is left alone, and nothing half made stays behind', () => {
    const before = statSync(file).mtimeMs;
    createSampleDatabase(file, import.meta.dirname);
    expect(statSync(file).mtimeMs).toBe(before);
    expect(readdirSync(folder)).toEqual(['sample.db']);
  });
});
