import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Environment } from '#common/config/env.ts';
import { createLogger } from '#common/observe/log.ts';
import { type Routers, startRouters } from './routers.ts';

/** Stands in for the router: notes what happens to it, and does what FAKE says. */
const FAKE = `
  import { appendFileSync } from 'node:fs';
  const { MILLRACE_HTTP_PORT: port, MILLRACE_GRPC_PORT: grpcPort, MILLRACE_GATEWAY_ADDRESS: address } = process.env;
  const note = (what) => appendFileSync(process.env.NOTES, [what, process.pid, port, grpcPort, address].join(' ') + '\\n');
  note('start');
  if (process.env.FAKE === 'busy') { process.send({ failed: 'Port 80 is taken.' }); process.exit(1); }
  if (process.env.FAKE === 'broken') process.exit(3);
  process.on('SIGTERM', () => {
    if (process.env.FAKE === 'stubborn') return;
    setTimeout(() => { note('drained'); process.exit(0); }, 20);
  });
  process.on('disconnect', () => process.exit(0));
  process.send({ ready: true, port: 4711, grpcPort: Number(grpcPort) || 4800 });`;

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

async function start(fake: string, count = 1, env: Environment = {}): Promise<Routers> {
  routers = await startRouters({
    program: join(folder, 'fake.mjs'),
    count,
    env: {
      PATH: process.env['PATH'],
      NOTES: notesFile,
      FAKE: fake,
      MILLRACE_HTTP_PORT: '0',
      MILLRACE_GRPC_PORT: '0',
      ...env,
    },
    log: createLogger('test', 'silent'),
    restartDelayMs: 1,
  });
  return routers;
}

/** Lines of what the stand-ins noted: [what, process id, port, gRPC port, internal address]. */
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

const ADDRESSES = [
  {
    why: 'gRPC ports follow each other, and so do internal addresses',
    env: { MILLRACE_GRPC_PORT: '8081', MILLRACE_GATEWAY_ADDRESS: 'unix:/run/gateway' },
    own: ['8081 unix:/run/gateway', '8082 unix:/run/gateway-1', '8083 unix:/run/gateway-2'],
    grpcPorts: [8081, 8082, 8083],
  },
  {
    why: 'internal ports as well',
    env: { MILLRACE_GRPC_PORT: '8081', MILLRACE_GATEWAY_ADDRESS: '127.0.0.1:7010' },
    own: ['8081 127.0.0.1:7010', '8082 127.0.0.1:7011', '8083 127.0.0.1:7012'],
    grpcPorts: [8081, 8082, 8083],
  },
  { why: 'any free port is one for each', env: {}, own: ['0 ', '0 ', '0 '], grpcPorts: [4800, 4800, 4800] },
  {
    why: 'off is off for all',
    env: { MILLRACE_GRPC_PORT: 'off' },
    own: ['off ', 'off ', 'off '],
    grpcPorts: [4800, 4800, 4800],
  },
];
test.each(ADDRESSES)('of what cannot be shared each has its own: $why', async ({ env, own, grpcPorts }) => {
  const started = await start('good', 3, env);
  expect(
    notes('start')
      .map(([, , , port, address]) => `${port} ${address}`)
      .sort(),
  ).toEqual(own);
  expect(started.grpcPorts).toEqual(grpcPorts);
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
  expect(notes('start')[2]?.slice(2, 4)).toEqual(['4711', '4800']);
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
