import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';

const url = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);

/** A program of a tier, as a process of its own. @param start  an expression: the tier, or what it throws */
function program(start: string, hasParent: boolean, options = '{}', flags: readonly string[] = []): ChildProcess {
  const script = `
    import { runTier } from ${url('./program.ts')};
    import { MillraceError } from ${url('./errors.ts')};
    const fail = (error) => { throw error; };
    await runTier(async () => ${start}, ${options});
    process.stdout.write('ready');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, [...flags, '--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe', hasParent ? 'ipc' : 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

const REASON = 'Port 80 is taken.';
const FAMILY = `fail(new MillraceError('unavailable', '${REASON}', undefined, new Error('the cause')))`;
const CANNOT = [
  { why: 'to people', start: FAMILY, hasParent: false, said: `${REASON}\n`, told: [] },
  { why: 'to the program that started it', start: FAMILY, hasParent: true, said: '', told: [{ failed: REASON }] },
  {
    why: 'and where, when nobody foresaw it',
    start: "fail(new Error('odd'))",
    hasParent: false,
    said: /odd\n +at /,
    told: [],
  },
];
test.each(CANNOT)('one that cannot start says why, $why', async ({ start, hasParent, said, told }) => {
  const child = program(start, hasParent);
  const messages: unknown[] = [];
  child.on('message', (message) => messages.push(message));
  const [errors, output, [status]] = await Promise.all([
    text(child.stderr as NodeJS.ReadableStream),
    text(child.stdout as NodeJS.ReadableStream),
    once(child, 'close'),
  ]);
  if (typeof said === 'string') expect(errors).toBe(said);
  else expect(errors).toMatch(said);
  expect({ messages, output, status }).toEqual({ messages: told, output: '', status: 1 });
});

const TIER = `({
  name: 'a',
  drain: async () => void process.stdout.write(' drained'),
  close: async () => void process.stdout.write(' closed'),
})`;
const ENDS = [
  { why: 'a signal', end: (child: ChildProcess) => child.kill('SIGTERM') },
  { why: 'the end of the program that started it', end: (child: ChildProcess) => child.disconnect() },
];
test.each(ENDS)('one that runs is drained and closed by $why', async ({ end }) => {
  const child = program(TIER, true);
  let output = '';
  child.stdout?.on('data', (bytes) => {
    if (output === '') end(child);
    output += bytes;
  });
  const [[status]] = await Promise.all([once(child, 'exit'), once(child.stdout as NodeJS.ReadableStream, 'end')]);
  expect({ status, output }).toEqual({ status: 0, output: 'ready drained closed' });
});

test('a rejection that nobody waits for is logged, and the tier goes on', async () => {
  const child = program(
    `(setTimeout(() => {
    void Promise.reject(new Error('stray'));
    setTimeout(() => process.stdout.write(' goes on'), 100);
  }, 1), ${TIER})`,
    true,
  );
  child.stdout?.on('data', (bytes) => {
    if (String(bytes).includes('goes on')) child.disconnect();
  });
  const [log, [status]] = await Promise.all([text(child.stderr as NodeJS.ReadableStream), once(child, 'exit')]);
  expect(log).toContain('stray');
  expect(status).toBe(0);
});

const COLLECTED = `(await (async () => {
  for (let time = 0; time < 4; time++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    globalThis.gc();
  }
})(), ${TIER})`;
const HEAPS = [
  { what: 'to twice', options: '{}', isTwice: true },
  { what: 'as V8 sees fit where it holds isolates', options: '{ holdsIsolates: true }', isTwice: false },
];
test.each(HEAPS)('a heap may grow $what before it is collected anew', async ({ options, isTwice }) => {
  const child = program(COLLECTED, true, options, ['--expose-gc', '--trace-gc', '--trace-gc-verbose']);
  let output = '';
  child.stdout?.on('data', (bytes) => {
    output += bytes;
    if (output.includes('ready') && child.connected) child.disconnect();
  });
  await once(child.stdout as NodeJS.ReadableStream, 'end');
  // What V8 says of each collection, in multiples of what is in use; by itself it says another thing each time.
  const limits = [...output.matchAll(/ new limit: .* \(([\d.]+)\)/g)].map(([, factor]) => Number(factor)).slice(-4);
  expect(limits).toHaveLength(4);
  expect(limits.every((factor) => factor === 2)).toBe(isTwice);
});
