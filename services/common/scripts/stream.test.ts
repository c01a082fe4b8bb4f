import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type RunReply, ScriptRunner } from '#proto/script/v1/script_pb.ts';
import { OPERATION_BYTES_MAX } from '../bounds.ts';
import { Deadline } from '../deadline.ts';
import { Channel } from '../grpc/channel.ts';
import { doneReply, echo, Holding, runOf, textOf } from './conformance/runs.ts';
import { ask } from './conformance/suite.ts';
import { streamWorker } from './conformance/transport.ts';
import type { ScriptHandler } from './line.ts';
import { StreamLine } from './stream-line.ts';

function address(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-scripts-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return `unix:${join(folder, 'socket')}`;
}

async function serve(where: string, handler: ScriptHandler) {
  const worker = await streamWorker(where, handler);
  onTestFinished(() => worker.close());
  return worker;
}

function lineTo(...addresses: string[]): StreamLine {
  const line = new StreamLine(addresses.map((where) => ({ address: where, token: undefined, peer: 'script' })));
  onTestFinished(() => line.close());
  return line;
}

test('what was not begun by a worker that is not there goes to another, the caller hears nothing of it', async () => {
  const [gone, there] = [address(), address()];
  await serve(there, echo);
  const line = lineTo(gone, there);
  const names = Array.from({ length: 500 }, (_, i) => `${i}`);
  expect(await Promise.all(names.map((name) => ask(line, name)))).toEqual(names);
});

test('the worker that has less in flight gets more', async () => {
  const [slow, quick] = [address(), address()];
  const holding = new Holding();
  let quickly = 0;
  await serve(slow, holding.handler);
  await serve(quick, (run) => {
    quickly += 1;
    return doneReply(run.requestId);
  });
  const line = lineTo(slow, quick);
  const all: Promise<string>[] = [];
  for (let i = 0; i < 300; i++) {
    const one = ask(line, `${i}`);
    all.push(one);
    await Promise.race([one, new Promise((resolve) => setTimeout(resolve, 5))]);
  }
  expect(quickly).toBeGreaterThan(200);
  for (const one of holding.held) one.answer();
  await Promise.all(all);
});

test('large ones pass, too large ones are refused', async () => {
  const where = address();
  await serve(where, (run) => doneReply(`${run.event?.request?.content.length}`));
  const line = lineTo(where);
  const size = 8 * 1024 * 1024;
  expect(await ask(line, 'large', Buffer.alloc(size))).toBe(`${size}`);
  await expect(line.send(runOf('huge', Buffer.alloc(OPERATION_BYTES_MAX)), Deadline.after(5000))).rejects.toMatchObject(
    { code: 'limited' },
  );
});

test('one run without a stream, for people; its deadline ends it', async () => {
  const where = address();
  const holding = new Holding();
  await serve(where, (run, deadline) =>
    run.requestId === 'late' ? holding.handler(run, deadline) : echo(run, deadline),
  );
  const channel = new Channel(ScriptRunner, { address: where, token: undefined, peer: 'script' });
  onTestFinished(() => channel.close());
  const execute = (name: string): Promise<RunReply> => channel.call('execute', { ...runOf(name), timeoutMs: 50 }, 5000);
  expect(textOf(await execute('now'))).toBe('now');
  expect(textOf(await execute('late'))).toBe('failure DEADLINE');
});
