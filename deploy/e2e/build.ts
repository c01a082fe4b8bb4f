/** The bundles in dist/ that users start, built once however many test files ask for them at the same time. */
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import Database from 'better-sqlite3';

export const ROOT = resolve(import.meta.dirname, '../..');

const SOURCES = ['proto/gen', 'services', 'router', 'deploy'];
const BUILD_TIMEOUT_MS = 120_000;

/** Builds where a source is newer than the bundles. The lock is the operating system's: it ends with its process. */
export function ensureBuilt(): void {
  const lock = new Database(join(tmpdir(), `millrace-build-${basename(ROOT)}.lock`), { timeout: BUILD_TIMEOUT_MS });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    if (isStale()) execFileSync(process.execPath, [join(ROOT, 'deploy/bootstrap.mjs'), 'build'], { stdio: 'pipe' });
  } finally {
    lock.close();
  }
}

function isStale(): boolean {
  const builtMs = modifiedMs('dist/.built');
  return SOURCES.flatMap(sourcesOf).some((file) => modifiedMs(file) > builtMs);
}

function sourcesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('e2e/'))
    .map((file) => join(folder, file));
}

/** 0: there is no such file. */
const modifiedMs = (file: string): number => statSync(join(ROOT, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
