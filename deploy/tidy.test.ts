/** The rules of the house that a machine can check: who may import whom, how large a file may be, what lies where. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const LINES_MAX = 500;

/** What exists of them; a room sees itself, #common, #proto and packages. */
const ROOMS = [
  'services/common',
  'router',
  'services/sql',
  'services/nosql',
  'services/system',
  'services/ingest',
  'scripting-svc',
  'storage-svc',
].filter((room) => existsSync(join(ROOT, room)));

/** Tests, and only they, may also start the servers that they need. */
const FOR_TESTS = 'deploy/testing';

const TOP_LEVEL = {
  always: [
    ...['package.json', 'package-lock.json', 'tsconfig.json', 'biome.json', 'vitest.config.ts'],
    ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE'],
    ...['proto', 'services', 'router', 'deploy', 'loadtest', 'docs', 'examples'],
  ],
  later: ['scripting-svc', 'storage-svc'],
  /** Made here, never committed. */
  made: ['node_modules', 'dist', 'data'],
};

/** Tier → engine → packages that no other folder of the tier may import. */
const DRIVERS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'services/sql': {
    postgres: ['pg', 'pg-cursor', 'pg-query-stream', 'pg-copy-streams'],
    sqlite: ['better-sqlite3'],
    mysql: ['mysql2'],
    sqlserver: ['tedious'],
    oracle: ['oracledb'],
    db2: ['ibm_db'],
  },
  'services/nosql': {
    mongodb: ['mongodb', 'bson'],
    cassandra: ['cassandra-driver'],
    dynamodb: ['@aws-sdk/client-dynamodb'],
    'azure-tables': ['@azure/data-tables'],
    couchdb: ['undici'],
  },
};

const EVERYWHERE = ['config.ts', 'errors.ts', 'index.ts', 'source.ts', 'types.ts'];
/** Files that each engine of a tier has, by the same names. */
const ENGINE_FILES: Readonly<Record<string, readonly string[]>> = {
  'services/sql': [...EVERYWHERE, 'column-sql.ts', 'dialect.ts', 'expressions.ts', 'introspect.ts', 'quote.ts'],
  'services/nosql': [...EVERYWHERE, 'request.ts'],
};

interface Import {
  /** From the root of the repository. */
  readonly file: string;
  /** A path from the root for one of our files, else as written. */
  readonly target: string;
  readonly isOurs: boolean;
}

function sourcesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`);
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/(?:^import |^\} from |\bfrom |\bimport\()'([^'\n]+)'/gm)].map(([, written = '']) => {
    const isOurs = written.startsWith('.');
    const target = isOurs ? relative(ROOT, resolve(ROOT, dirname(file), written)) : written;
    return { file, target, isOurs };
  });
}

const packageOf = (target: string): string =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');
const isIn = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);
const isTest = (file: string): boolean => file.endsWith('.test.ts');
const show = ({ file, target }: Import): string => `${file} imports ${target}`;

describe('layers', () => {
  test.each(ROOMS)('%s imports only itself, #common, #proto and packages', (room) => {
    const isStray = ({ file, target, isOurs }: Import): boolean =>
      isOurs && !isIn(target, room) && !(isTest(file) && isIn(target, FOR_TESTS));
    expect(sourcesOf(room).flatMap(importsOf).filter(isStray).map(show)).toEqual([]);
  });

  test('names with # lead to what every tier may see', () => {
    const { imports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { imports: object };
    const isStray = (path: string): boolean => !/^\.\/(services\/common|proto\/gen)\//.test(path);
    expect(Object.values(imports).filter(isStray)).toEqual([]);
  });

  test('generated messages import nothing of ours but each other', () => {
    const isStray = ({ target, isOurs }: Import): boolean => (isOurs ? !isIn(target, 'proto/gen') : /^#/.test(target));
    expect(sourcesOf('proto/gen').flatMap(importsOf).filter(isStray).map(show)).toEqual([]);
  });

  test('uWebSockets.js is imported in one file, so that it can be replaced there', () => {
    const users = ROOMS.flatMap(sourcesOf).filter((file) =>
      importsOf(file).some(({ target }) => target === 'uWebSockets.js'),
    );
    expect(users).toHaveLength(1);
  });
});

const enginesOf = (room: string): string[] =>
  readdirSync(join(ROOT, room)).filter((name) => existsSync(join(ROOT, room, name, 'source.ts')));

describe.each(Object.entries(DRIVERS))('engines of %s', (room, drivers) => {
  const engines = enginesOf(room);
  const imports = sourcesOf(room).flatMap(importsOf);

  test.each(engines)('%s is in the registry', (engine) => {
    const registered = imports.filter(({ file }) => file === `${room}/engines.ts`).map(({ target }) => target);
    expect(registered).toContain(`${room}/${engine}/index.ts`);
  });

  test.each(engines)('%s imports no other engine', (engine) => {
    const others = engines.filter((other) => other !== engine);
    const isStray = ({ file, target }: Import): boolean =>
      isIn(file, `${room}/${engine}`) && others.some((other) => isIn(target, `${room}/${other}`));
    expect(imports.filter(isStray).map(show)).toEqual([]);
  });

  test.each(engines)('%s has the files that all of them have, and a driver is named for it', (engine) => {
    expect(readdirSync(join(ROOT, room, engine))).toEqual(expect.arrayContaining([...(ENGINE_FILES[room] ?? [])]));
    expect(Object.keys(drivers)).toContain(engine);
  });

  test.each(Object.entries(drivers))('the driver of %s is imported in its folder only', (engine, packages) => {
    const isStray = ({ file, target, isOurs }: Import): boolean =>
      !isOurs && !isTest(file) && packages.includes(packageOf(target)) && !isIn(file, `${room}/${engine}`);
    expect(imports.filter(isStray).map(show)).toEqual([]);
  });
});

describe('engines of services/nosql', () => {
  const room = 'services/nosql';
  const imports = sourcesOf(room).flatMap(importsOf);

  test.each(enginesOf(room))('%s is known to its own folder and the registry only', (engine) => {
    const isStray = ({ file, target }: Import): boolean =>
      isIn(target, `${room}/${engine}`) && !isIn(file, `${room}/${engine}`) && file !== `${room}/engines.ts`;
    expect(imports.filter(isStray).map(show)).toEqual([]);
  });

  test.each(enginesOf(room))('%s is tried by the conformance suite', (engine) => {
    const tried = imports.filter(({ file }) => isIn(file, `${room}/${engine}`) && isTest(file));
    expect(tried.map(({ target }) => target)).toContain(`${room}/conformance/suite.ts`);
  });
});

describe('backends of storage-svc', () => {
  const backends = readdirSync(join(ROOT, 'storage-svc')).filter((name) =>
    existsSync(join(ROOT, 'storage-svc', name, 'source.ts')),
  );
  const imports = sourcesOf('storage-svc').flatMap(importsOf);

  test.each(backends)('%s is in the registry', (backend) => {
    const registered = imports.filter(({ file }) => file === 'storage-svc/backends.ts').map(({ target }) => target);
    expect(registered).toContain(`storage-svc/${backend}/index.ts`);
  });

  test.each(backends)('%s is tried by the conformance suite', (backend) => {
    const tried = imports.filter(({ file }) => isIn(file, `storage-svc/${backend}`) && isTest(file));
    expect(tried.map(({ target }) => target)).toContain('storage-svc/conformance/suite.ts');
  });

  test.each(backends)('%s is known to its own folder and the registry only', (backend) => {
    const isStray = ({ file, target }: Import): boolean =>
      isIn(target, `storage-svc/${backend}`) &&
      !isIn(file, `storage-svc/${backend}`) &&
      file !== 'storage-svc/backends.ts';
    expect(imports.filter(isStray).map(show)).toEqual([]);
  });
});

test(`no source file has more than ${LINES_MAX} lines`, () => {
  const lengths = [...ROOMS, 'deploy', 'loadtest']
    .flatMap(sourcesOf)
    .filter((file) => !isTest(file))
    .map((file) => ({ file, lines: readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1 }));
  expect(lengths.filter(({ lines }) => lines > LINES_MAX)).toEqual([]);
});

test('the top level of the repository is what the code map says', () => {
  const names = readdirSync(ROOT).filter(
    (name) => !name.startsWith('.') && !TOP_LEVEL.made.includes(name) && !/\.(log|cpuprofile)$/.test(name),
  );
  expect(names.filter((name) => !TOP_LEVEL.later.includes(name)).sort()).toEqual([...TOP_LEVEL.always].sort());
});

test.runIf(existsSync(join(ROOT, '.git')))('git ignores no source: it would be missing from a clone', () => {
  const rooms = ['proto', 'services', 'router', 'deploy', 'loadtest', 'docs', 'examples'];
  const args = ['ls-files', '--others', '--ignored', '--exclude-standard', '--', ...rooms];
  const ignored = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\n');
  expect(ignored.filter((file) => /\.(ts|mjs|proto|md|csv)$/.test(file))).toEqual([]);
});
