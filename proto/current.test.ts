import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const PROTO = import.meta.dirname;
const BIN = join(PROTO, '../node_modules/.bin');
const folder = mkdtempSync(join(tmpdir(), 'millrace-proto-'));
afterAll(() => rmSync(folder, { recursive: true }));

function buf(...args: string[]): string {
  const env = { ...process.env, PATH: `${BIN}${delimiter}${process.env['PATH']}` };
  return execFileSync(join(BIN, 'buf'), args, { cwd: PROTO, env, encoding: 'utf8' });
}

/** File → text. */
function read(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return Object.fromEntries(files.sort().map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}

test('what is generated is what is committed: else run `npm run proto`', () => {
  buf('generate', '--output', folder);
  expect(read(join(PROTO, 'gen'))).toEqual(read(join(folder, 'gen')));
});

test('the contracts keep the rules of buf', () => {
  expect(buf('lint')).toBe('');
});
