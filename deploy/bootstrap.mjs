/**
 * What every npm script calls: makes a clean checkout runnable, then becomes the program that was asked for. Plain
 * JavaScript on Node's own modules, as nothing else may be there yet. When all is current it costs a few stat calls.
 *
 * usage: node deploy/bootstrap.mjs <word> [arguments]; words: build, start, start:system, start:sql, start:nosql,
 * start:storage, start:router, start:scripting, test, bench, bench:database, bench:access, bench:scripts, bench:files,
 * bench:nosql
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_MIN = [20, 15];
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const STAMP = join(ROOT, 'dist/.built');

/** What is bundled: program in dist/ ← its first source file. One that is not in this checkout is left out. */
const BUNDLES = {
  'all-in-one': 'deploy/all-in-one.ts',
  system: 'services/system/main.ts',
  sql: 'services/sql/main.ts',
  nosql: 'services/nosql/main.ts',
  storage: 'storage-svc/main.ts',
  router: 'router/main.ts',
  'sqlite-worker': 'services/sql/sqlite/worker.ts',
  scripting: 'scripting-svc/main.ts',
  'script-keeper': 'scripting-svc/keeper-main.ts',
  'script-worker': 'scripting-svc/worker-main.ts',
};

/** What is copied as it is: folder in dist/ ← its source. */
const COPIES = { 'docs-page': 'router/openapi/page', 'sandbox-prelude': 'scripting-svc/sandbox/prelude' };

/** Word of the npm script → program. Those that are no part of the product run from their source. */
const PROGRAMS = {
  start: 'dist/all-in-one.js',
  'start:system': 'dist/system.js',
  'start:sql': 'dist/sql.js',
  'start:nosql': 'dist/nosql.js',
  'start:storage': 'dist/storage.js',
  'start:router': 'dist/router.js',
  'start:scripting': 'dist/scripting.js',
  test: 'deploy/testing/run.ts',
  bench: 'loadtest/bench.ts',
  'bench:database': 'loadtest/database.ts',
  'bench:access': 'loadtest/access.ts',
  'bench:scripts': 'loadtest/scripts.ts',
  'bench:files': 'loadtest/files.ts',
  'bench:nosql': 'loadtest/nosql.ts',
};

/** What such a program needs on the machine besides packages. */
const TOOLS = {
  test: ['postgres', 'mariadb', 'nats', 'sftp', 'ftp', 'webdav', 's3', 'mongodb', 'dynamodb', 'cassandra', 'chromium'],
  bench: ['postgres', 'wrk'],
  'bench:database': ['postgres', 'mariadb', 'wrk'],
  'bench:access': ['postgres', 'nginx', 'wrk'],
  'bench:scripts': ['postgres', 'nats', 'wrk'],
  'bench:files': ['nginx-dav', 's3', 'curl', 'wrk'],
  'bench:nosql': ['postgres', 'mongodb', 'wrk'],
};

/** What is built, or copied. */
const SOURCE = /\.(?:ts|js|css|html)$/;

/** Where sources are. */
const ROOMS = ['proto/gen', 'services', 'router', 'scripting-svc', 'storage-svc', 'deploy', 'loadtest'];

async function main([word, ...rest]) {
  checkNode();
  if (word !== 'build' && !Object.hasOwn(PROGRAMS, word ?? '')) {
    throw new Error(`Unknown word '${word ?? ''}'; known: build, ${Object.keys(PROGRAMS).join(', ')}.`);
  }
  process.chdir(ROOT);
  if (word.startsWith('start') && (rest.includes('--help') || rest.includes('-h'))) {
    process.stdout.write(readFileSync(join(ROOT, 'deploy/help.txt')));
    return;
  }
  if (isInstallStale()) install();
  if (word === 'build' || isBuildStale()) await build();
  if (word === 'build') return;
  const program = join(ROOT, PROGRAMS[word]);
  if (!existsSync(program)) throw new Error(`${PROGRAMS[word]} is not part of this checkout.`);
  if (program.endsWith('.ts')) {
    const { register } = await import('tsx/esm/api');
    register();
    const { installTools } = await import('./testing/install.ts');
    installTools(TOOLS[word]);
  }
  // Becoming the program, rather than watching it as a child, keeps signals, exit status and memory what they are.
  process.argv = [process.argv[0], program, ...rest];
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(program).href);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  throw new Error(`Millrace needs Node.js ${NODE_MIN.join('.')} or newer; this is ${process.versions.node}.`);
}

/** Milliseconds since 1970; 0: there is no such file. */
function modifiedMs(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** npm writes its own list of what it installed as the last thing it does. */
function isInstallStale() {
  return modifiedMs(join(ROOT, 'node_modules/.package-lock.json')) < modifiedMs(join(ROOT, 'package-lock.json'));
}

function install() {
  say('Installing packages; this takes a minute or two.');
  // What the lock file says, and not by `npm ci`: that refuses a lock file without the optional packages of other
  // platforms, which not every registry has. Development tools are wanted whatever NODE_ENV says: one of them builds.
  const args = ['install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const done = npm?.endsWith('npm-cli.js')
    ? spawnSync(process.execPath, [npm, ...args], { stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (done.error) throw new Error(`npm cannot be started: ${done.error.message}`);
  if (done.status !== 0) throw new Error('npm install failed; what it said stands above.');
}

/** Folders count as well: their time changes when a file in them is removed. */
function isBuildStale() {
  const builtMs = modifiedMs(STAMP);
  const isNewer = (path) => modifiedMs(path) > builtMs;
  if (builtMs === 0 || isNewer(join(ROOT, 'package.json')) || isNewer(fileURLToPath(import.meta.url))) return true;
  const isRoomNewer = (folder) =>
    isNewer(folder) ||
    readdirSync(folder, { withFileTypes: true }).some((entry) => {
      if (entry.isDirectory()) return isRoomNewer(join(folder, entry.name));
      return SOURCE.test(entry.name) && !entry.name.endsWith('.test.ts') && isNewer(join(folder, entry.name));
    });
  return ROOMS.map((room) => join(ROOT, room)).some((room) => existsSync(room) && isRoomNewer(room));
}

async function build() {
  say('Building dist/.');
  const startedAt = new Date();
  const { build: bundle, stop } = await import('esbuild');
  const present = Object.entries(BUNDLES).filter(([, source]) => existsSync(join(ROOT, source)));
  await bundle({
    absWorkingDir: ROOT,
    entryPoints: present.map(([out, source]) => ({ in: source, out })),
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    sourcemap: true,
    logLevel: 'warning',
  });
  await stop();
  for (const [out, source] of Object.entries(COPIES)) {
    cpSync(join(ROOT, source), join(ROOT, 'dist', out), { recursive: true });
  }
  mkdirSync(dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, '');
  // What was saved while this ran may not be in it.
  utimesSync(STAMP, startedAt, startedAt);
}

/** Progress goes to standard error: standard output belongs to the program. */
function say(line) {
  process.stderr.write(`millrace: ${line}\n`);
}

main(process.argv.slice(2)).catch((error) => {
  say(error instanceof Error ? error.message : String(error));
  if (process.argv[2] === 'test') process.stdout.write('0 passed, 1 failed\n');
  process.exit(1);
});
