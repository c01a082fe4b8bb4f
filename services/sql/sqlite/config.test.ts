import { describe, expect, test } from 'vitest';
import { configFields, readSqliteConfig } from './config.ts';

describe('settings', () => {
  const CASES: readonly (readonly [given: Record<string, unknown>, read: object])[] = [
    [{ database: 'main.sqlite' }, { file: '/data/main.sqlite', statements: [] }],
    [{ database: ' sub/main.sqlite ' }, { file: '/data/sub/main.sqlite', statements: [] }],
    [{ database: '/elsewhere/x' }, { file: '/elsewhere/x', statements: [] }],
    [{ database: ':memory:' }, { file: ':memory:', statements: [] }],
    [
      { database: 'x', statements: ['pragma a', ' '] },
      { file: '/data/x', statements: ['pragma a'] },
    ],
    [
      { database: 'x', statements: '' },
      { file: '/data/x', statements: [] },
    ],
    [
      { database: 'x', statements: null },
      { file: '/data/x', statements: [] },
    ],
  ];
  test.each(CASES)('%o', (given, read) => {
    expect(readSqliteConfig(given, '/data')).toEqual(read);
  });

  const REFUSED: readonly (readonly [given: Record<string, unknown>, field: string])[] = [
    [{}, 'database'],
    [{ database: ' ' }, 'database'],
    [{ database: 5 }, 'database'],
    [{ database: 'a\0b' }, 'database'],
    [{ database: 'x', statements: 'pragma a' }, 'statements'],
    [{ database: 'x', statements: [5] }, 'statements'],
  ];
  test.each(REFUSED)('not %o', (given, field) => {
    expect(() => readSqliteConfig(given, '/data')).toThrow(
      expect.objectContaining({ code: 'invalid', context: { field } }),
    );
  });
});

test('the fields as clients know them', () => {
  expect(configFields.map(({ name }) => name)).toEqual([
    ...['database', 'options', 'attributes', 'statements', 'allow_upsert', 'max_records', 'cache_enabled', 'cache_ttl'],
  ]);
  expect(configFields.filter(({ required }) => required).map(({ name }) => name)).toEqual(['database']);
});
