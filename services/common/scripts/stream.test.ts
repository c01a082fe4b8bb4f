import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { OPERATION_BYTES_MAX } from '../bounds.ts';
import { Deadline } from '../deadline.ts';
import { doneReply, echo, Holding, runOf } from './conformance/runs.ts';
import { ask } from './conformance/suite.ts';
import { streamWorker } from './conformance/transport.ts';
import { Frame } from './framed-socket.ts';
import type { ScriptHandler } from './line.ts';
import { StreamLine } from './stream-line.ts';
import { listenForRuns } from './stream-server.ts';

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
  const line = new StreamLine(addresses.map((where) => ({ address: where, token: undefined })));
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

test('who does not say the token of the cluster, or speaks something else, is cut off', async () => {
  const where = address();
  const worker = await listenForRuns(where.slice('unix:'.length), 'secret', echo);
  onTestFinished(() => worker.close());
  const line = (token: string | undefined): StreamLine => {
    const made = new StreamLine([{ address: where, token }]);
    onTestFinished(() => made.close());
    return made;
  };
  expect(await ask(line('secret'), 'known')).toBe('known');
  for (const token of [undefined, 'Secret', 'secret ']) {
    expect(await ask(line(token), 'stranger')).toBe('unavailable');
  }
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', Buffer.from([3, 0, 0, 0, 3, 1, 2, 3]), Buffer.alloc(5, 0xff)]) {
    const socket = connect(where.slice('unix:'.length));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket
      .on('error', () => {})
      .resume()
      .write(bytes);
    await closed;
  }
  expect(await ask(line('secret'), 'still')).toBe('still');
});

test('content that cannot be read ends the stream of its sender alone', async () => {
  const where = address();
  await serve(where, echo);
  const socket = connect(where.slice('unix:'.length));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {}).resume();
  socket.write(Buffer.from([0, 0, 0, 0, Frame.HELLO, 3, 0, 0, 0, Frame.BATCH, 0x0a, 0xff, 0xff]));
  await closed;
  expect(await ask(lineTo(where), 'others')).toBe('others');
});
