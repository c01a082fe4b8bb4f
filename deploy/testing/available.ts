/** Which servers the suites can have on this machine, and why not. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export type TestServer = 'postgres';

const POSTGRES_MAJOR_MIN = 15;
/** Debian keeps each major version in a folder of its own, outside of PATH. */
const DEBIAN_POSTGRES = '/usr/lib/postgresql';

/** The folder with `postgres`, `initdb` and `pgbench` of the newest version that is new enough. */
export function findPostgres(): string | undefined {
  const debian = existsSync(DEBIAN_POSTGRES)
    ? readdirSync(DEBIAN_POSTGRES)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(DEBIAN_POSTGRES, version, 'bin'))
    : [];
  return [...debian, ...(process.env['PATH'] ?? '').split(delimiter)].find(
    (folder) => ['postgres', 'initdb'].every((name) => existsSync(join(folder, name))) && isNewEnough(folder),
  );
}

function isNewEnough(folder: string): boolean {
  const { stdout } = spawnSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8' });
  const major = /\(PostgreSQL\) (\d+)/.exec(stdout ?? '')?.[1];
  return Number(major) >= POSTGRES_MAJOR_MIN;
}

/** undefined: suites that need it can run. */
export function whyNot(server: TestServer): string | undefined {
  switch (server) {
    case 'postgres':
      return findPostgres() ? undefined : `PostgreSQL ${POSTGRES_MAJOR_MIN} or newer is not installed`;
  }
}
