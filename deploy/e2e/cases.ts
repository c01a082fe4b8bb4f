/** How a row of a table of cases is sent and judged; no answer to a failed call may tell what lies behind the API. */
import { expect } from 'vitest';
import type { Body, Client, Headers } from './client.ts';

export interface Case {
  readonly name: string;
  /** GET where none is named. */
  readonly method?: string;
  readonly path: string;
  readonly headers?: Headers;
  readonly body?: Body;
  /** 200 where none is named. */
  readonly status?: number;
  /** The whole answer as JSON. */
  readonly answers?: unknown;
  /** The whole answer as text, where its spelling matters. */
  readonly text?: string;
  readonly contains?: readonly (string | RegExp)[];
  readonly lacks?: readonly string[];
  /** What a GET answers afterwards: [path, JSON]. */
  readonly after?: readonly [string, unknown];
}

/** SQL, drivers, addresses, files, stacks. */
const INSIDES = [
  /\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE)\b.*["$?]/,
  /sqlite3?_|SQLITE|SQLSTATE|\bpg_|libpq|grpc|ECONN|ENOENT|127\.0\.0\.1|localhost|millrace-e2e|\/tmp\/|node_modules/i,
  /\bat \S+ \(|\.(ts|js|mjs):\d/,
];

export async function check(client: Client, row: Case): Promise<void> {
  const { status, text } = await client.send(row.method ?? 'GET', row.path, row.body, row.headers);
  expect(`${status} ${text}`).toMatch(new RegExp(`^${row.status ?? 200} `));
  if (status >= 400) expectPlainError(text);
  if ('answers' in row) expect(JSON.parse(text)).toEqual(row.answers);
  if (row.text !== undefined) expect(text).toBe(row.text);
  for (const part of row.contains ?? []) expect(text).toMatch(part);
  for (const part of row.lacks ?? []) expect(text).not.toContain(part);
  if (row.after) expect(await client.json('GET', row.after[0])).toEqual(row.after[1]);
}

/** The envelope of an error, or its form in XML or CSV, and nothing of the insides. */
export function expectPlainError(text: string): void {
  expect(text).toMatch(/^\{"error":\{"code":|<error>|^code,/);
  for (const inside of INSIDES) expect(text).not.toMatch(inside);
}
