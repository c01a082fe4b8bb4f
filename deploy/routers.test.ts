import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '#common/observe/log.ts';
import { type Routers, startRouters } from './routers.ts';

/** Stands in for the router: notes what happens to it, and does what FAKE says. */
const FAKE = `
  import { appendFileSync } from 'node:fs';
  const note = (what) => appendFileSync(process.env.NOTES, what + ' ' + process.pid + ' ' + process.env.MILLRACE_HTTP_PORT + '\\n');
  note('start');
  if (process.env.FAKE === 'busy') { process.send({ failed: 'Port 80 is taken.' }); process.exit(1); }
  if (process.env.FAKE === 'broken') process.exit(3);
  process.on('SIGTERM', () => {
    if (process.env.FAKE === 'stubborn') return;
    setTimeout(() => { note('drained'); process.exit(0); }, 20);
  });
  process.on('disconnect', () => process.exit(0));
  process.send({ ready: true, port: 4711 });`;

let folder: string;
let notesFile: string;
let routers: Routers | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-routers-'));
  notesFile = join(folder, 'notes');
  appendFileSync(notesFile, '');
  writeFileSync(join(folder, 'fake.mjs'), FAKE);
});
afterEach(async () => {
  await routers?.close();
  routers = undefined;
  rmSync(folder, { recursive: true });
});

async function start(fake: string, count = 1): Promise<Routers> {
  routers = await startRouters({
    program: join(folder, 'fake.mjs'),
    count,
    env: { PATH: process.env['PATH'], NOTES: notesFile, FAKE: fake, MILLRACE_HTTP_PORT: '0' },
    log: createLogger('test', 'silent'),
    restartDelayMs: 1,
  });
  return routers;
}

/** Lines of what the stand-ins noted: [what, process id, port]. */
function notes(what: string): string[][] {
  const lines = readFileSync(notesFile, 'utf8').split('\n');
  return lines.map((line) => line.split(' ')).filter(([first]) => first === what);
}

function isAlive(pid: string | undefined): boolean {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
}

test('the others listen where the first one does', async () => {
  const { port } = await start('good', 3);
  expect(port).toBe(4711);
  expect(notes('start').map(([, , at]) => at)).toEqual(['0', '4711', '4711']);
});

const FAILURES = [
  { why: 'a taken port is reported in the words of the router', fake: 'busy', message: 'Port 80 is taken.' },
  { why: 'a router that dies at its start fails the start', fake: 'broken', message: /status 3/ },
];
test.each(FAILURES)('$why', async ({ fake, message }) => {
  await expect(start(fake)).rejects.toThrow(message);
  expect(notes('start').filter(([, pid]) => isAlive(pid))).toEqual([]);
});

test('one that dies is replaced, on the same port', async () => {
  await start('good', 2);
  process.kill(Number(notes('start')[0]?.[1]), 'SIGKILL');
  await vi.waitFor(() => expect(notes('start')).toHaveLength(3), 5000);
  expect(notes('start')[2]?.[2]).toBe('4711');
});

test('drain lets each finish and starts nobody anew', async () => {
  const started = await start('good', 2);
  await started.drain(AbortSignal.timeout(10_000));
  expect(notes('drained')).toHaveLength(2);
  expect(notes('start')).toHaveLength(2);
});

test('one that does not end by itself is ended at the deadline', async () => {
  const started = await start('stubborn');
  await started.drain(AbortSignal.timeout(50));
  expect(isAlive(notes('start')[0]?.[1])).toBe(false);
});
