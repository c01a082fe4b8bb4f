/** The bundles in dist/ that users start, built once however many test files ask for them at the same time. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import Database from 'better-sqlite3';

export const ROOT = resolve(import.meta.dirname, '../..');
/** What every npm script calls. */
export const BOOTSTRAP = join(ROOT, 'deploy/bootstrap.mjs');

/** What bootstrap.mjs would build anew for. */
const SOURCES = [
  'package.json',
  'deploy',
  'loadtest',
  'proto/gen',
  'router',
  'scripting-svc',
  'services',
  'storage-svc',
];
const BUILD_TIMEOUT_MS = 120_000;

/** Builds where a source is newer than the bundles. The lock is the operating system's: it ends with its process. */
export function ensureBuilt(): void {
  const lock = new Database(join(tmpdir(), `millrace-build-${basename(ROOT)}.lock`), { timeout: BUILD_TIMEOUT_MS });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    if (isStale()) execFileSync(process.execPath, [BOOTSTRAP, 'build'], { stdio: 'pipe' });
  } finally {
    lock.close();
  }
}

function isStale(): boolean {
  const built = join(ROOT, 'dist/.built');
  if (!existsSync(built)) return true;
  const builtMs = statSync(built).mtimeMs;
  return SOURCES.map((source) => join(ROOT, source)).some((path) => existsSync(path) && isNewer(path, builtMs));
}

function isNewer(path: string, thanMs: number): boolean {
  const found = statSync(path);
  if (found.mtimeMs > thanMs) return true;
  return found.isDirectory() && readdirSync(path).some((name) => isNewer(join(path, name), thanMs));
}
