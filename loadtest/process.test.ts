import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RunScope, runTool, startServer, Teardown, waitUntilReady } from './process.ts';
import { processTree, residentBytes } from './start.ts';

let scope: RunScope;
let interruption: AbortController;

beforeEach(() => {
  interruption = new AbortController();
  const folder = mkdtempSync(`${tmpdir()}/millrace-loadtest-`);
  scope = { teardown: new Teardown(), signal: interruption.signal, folder };
});
afterEach(async () => {
  await scope.teardown.run();
  rmSync(scope.folder, { recursive: true, force: true });
});

const startNode = (name: string, script: string) => startServer(scope, name, process.execPath, ['-e', script], {});
const WAIT = 'setInterval(() => {}, 1000); console.log("up")';

test('teardown goes backwards, on past a failure, and once', async () => {
  const steps: string[] = [];
  scope.teardown.add(async () => void steps.push('first'));
  scope.teardown.add(() => Promise.reject(new Error('second')));
  scope.teardown.add(async () => void steps.push('third'));
  expect(await scope.teardown.run()).toHaveLength(1);
  expect(await scope.teardown.run()).toEqual([]);
  expect(steps).toEqual(['third', 'first']);
});

test('a server is ended by the teardown, and its log is kept', async () => {
  const server = startNode('server', WAIT);
  await waitUntilReady([server], 'its log', async () => server.logTail().includes('up'), 20_000, scope.signal);
  expect(server.exit()).toBeUndefined();
  await scope.teardown.run();
  expect(server.exit()).toBe('SIGTERM');
});

test.each([
  {
    why: 'ends first',
    script: 'console.error("no port"); process.exit(3)',
    timeoutMs: 20_000,
    names: /code 3\n.*no port/,
  },
  { why: 'takes too long', script: WAIT, timeoutMs: 50, names: /waiting for an answer/ },
])('waiting for a server that $why fails and says why', async ({ script, timeoutMs, names }) => {
  const server = startNode('server', script);
  await expect(waitUntilReady([server], 'an answer', async () => false, timeoutMs, scope.signal)).rejects.toThrow(
    names,
  );
});

test('an interruption ends a tool at once, and nothing is started after it', async () => {
  const tool = runTool(scope, process.execPath, ['-e', WAIT], 60_000);
  interruption.abort(new Error('enough'));
  await expect(tool).rejects.toThrow();
  expect(() => startNode('late', WAIT)).toThrow('enough');
});

test('the tree of a process has its grandchildren, and each of them holds memory', async () => {
  const spawnSelf = (script: string) =>
    `const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(script)}]);
     process.on('SIGTERM', () => { child.once('exit', () => process.exit()); child.kill(); });
     child.stdout.pipe(process.stdout);`;
  const server = startNode('root', spawnSelf(spawnSelf(WAIT)));
  await waitUntilReady([server], 'the grandchild', async () => server.logTail().includes('up'), 20_000, scope.signal);
  const tree = processTree(server.pid);
  expect(tree).toHaveLength(3);
  for (const pid of tree) expect(residentBytes(pid)).toBeGreaterThan(1_000_000);
});
