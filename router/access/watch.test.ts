import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary } from '@bufbuild/protobuf';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startGrpcServer } from '#common/grpc/server.ts';
import { SILENT } from '#common/testing/exchange.ts';
import { AccessControl, type Update, UpdateSchema, type WatchRequest } from '#proto/access/v1/access_pb.ts';
import { stateOf, type UpdateInit } from '../testing/access.ts';
import { SavedSnapshot } from './saved.ts';
import { AccessState } from './state.ts';
import { AccessWatch } from './watch.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-router-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

const versionIn = async (file: string) => fromBinary(UpdateSchema, await readFile(file)).version;

describe('the saved snapshot', () => {
  test('is there again after it was saved, for nobody else to read', async () => {
    const file = join(await folder(), 'below', 'snapshot.bin');
    const saved = new SavedSnapshot(file, SILENT);
    const state = stateOf();
    saved.save(() => state.toUpdate());
    await saved.settled();
    expect(await new SavedSnapshot(file, SILENT).load()).toEqual(state.toUpdate());
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test('is the last of many that were saved at once', async () => {
    const file = join(await folder(), 'snapshot.bin');
    const saved = new SavedSnapshot(file, SILENT);
    for (let version = 1n; version <= 50n; version++) saved.save(() => create(UpdateSchema, { version }));
    await saved.settled();
    expect(await versionIn(file)).toBe(50n);
  });

  test('is none where there is no file, or one that is damaged', async () => {
    const file = join(await folder(), 'snapshot.bin');
    expect(await new SavedSnapshot(file, SILENT).load()).toBeUndefined();
    await writeFile(file, Buffer.from([0xff, 0xff, 0xff]));
    expect(await new SavedSnapshot(file, SILENT).load()).toBeUndefined();
  });

  test('that cannot be written does no harm', async () => {
    const file = join(await folder(), 'snapshot.bin');
    await writeFile(file, '');
    const saved = new SavedSnapshot(join(file, 'below'), SILENT);
    saved.save(() => create(UpdateSchema));
    await expect(saved.settled()).resolves.toBeUndefined();
  });
});

describe('the watch', () => {
  /** A system service that pushes what the test says. */
  async function publisher() {
    const calls: ServerWritableStream<WatchRequest, Update>[] = [];
    const watch = (call: ServerWritableStream<WatchRequest, Update>): void => void calls.push(call);
    const services = [{ desc: AccessControl, implementation: { watch } }];
    const server = await startGrpcServer({ name: 'system', address: '127.0.0.1:0', token: undefined, services });
    onTestFinished(() => server.close());
    const push = async (init: UpdateInit): Promise<void> => {
      await expect.poll(() => calls.length).toBe(1);
      calls[0]?.write(create(UpdateSchema, init));
    };
    return { address: server.address, push };
  }

  function watchAt(address: string, file: string) {
    const state = new AccessState();
    const settings = { address, token: undefined, peer: 'system' };
    const watch = new AccessWatch(state, new SavedSnapshot(file, SILENT), settings, SILENT);
    onTestFinished(() => watch.close());
    return { state, watch };
  }

  test('starts with the first snapshot, follows each change, and saves them', async () => {
    const file = join(await folder(), 'snapshot.bin');
    const { address, push } = await publisher();
    const { state, watch } = watchAt(address, file);
    const started = watch.start();
    await push({ version: 7n, full: true, roles: [{ id: 1 }] });
    await started;
    expect([state.version, state.roles.size, watch.live]).toEqual([7n, 1, true]);
    await push({ version: 8n, roles: [{ id: 2 }] });
    await expect.poll(() => state.version).toBe(8n);
    await watch.close();
    expect(await versionIn(file)).toBe(8n);
  });

  test('starts with what is pushed rather than with what was saved', async () => {
    const file = join(await folder(), 'snapshot.bin');
    const saved = new SavedSnapshot(file, SILENT);
    saved.save(() => create(UpdateSchema, { version: 5n, full: true, roles: [{ id: 1 }] }));
    await saved.settled();
    const { address, push } = await publisher();
    const { state, watch } = watchAt(address, file);
    const started = watch.start();
    await push({ version: 6n, full: true, roles: [{ id: 2 }, { id: 3 }] });
    await started;
    expect([state.version, state.roles.size, watch.live]).toEqual([6n, 2, true]);
  });

  test('starts with what was saved where the system service says nothing', async () => {
    const file = join(await folder(), 'snapshot.bin');
    const saved = new SavedSnapshot(file, SILENT);
    saved.save(() => create(UpdateSchema, { version: 5n, full: true, roles: [{ id: 1 }] }));
    await saved.settled();
    const { address, push } = await publisher();
    const { state, watch } = watchAt(address, file);
    await watch.start();
    expect([state.version, watch.live]).toEqual([5n, false]);
    await push({ version: 6n, full: true });
    await expect.poll(() => state.version).toBe(6n);
  });

  test('starts with what was saved where the system service is not there, and says that it is not live', async () => {
    const file = join(await folder(), 'snapshot.bin');
    const saved = new SavedSnapshot(file, SILENT);
    saved.save(() => create(UpdateSchema, { version: 5n, full: true, roles: [{ id: 1 }] }));
    await saved.settled();
    const { state, watch } = watchAt('127.0.0.1:1', file);
    await watch.start();
    expect([state.version, state.roles.size, watch.live]).toEqual([5n, 1, false]);
  });
});
