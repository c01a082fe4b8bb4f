import { create } from '@bufbuild/protobuf';
import { type ServerWritableStream, status } from '@grpc/grpc-js';
import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import {
  AccessControl,
  Scope,
  type Update,
  UpdateSchema,
  type WatchRequest,
  WatchRequestSchema,
} from '#proto/access/v1/access_pb.ts';
import { Follower } from './follow.ts';
import { type GrpcServer, startGrpcServer } from './grpc/server.ts';
import { SILENT } from './testing/exchange.ts';

/** A system service that pushes when the test says so. */
class Publisher {
  readonly watches: ServerWritableStream<WatchRequest, Update>[] = [];
  server: GrpcServer | undefined;

  async start(address = '127.0.0.1:0'): Promise<string> {
    this.server = await startGrpcServer({
      name: 'system',
      address,
      token: undefined,
      services: [
        {
          desc: AccessControl,
          implementation: {
            watch: (call: ServerWritableStream<WatchRequest, Update>): void => {
              this.watches.push(call);
              call.on('cancelled', () => this.watches.splice(this.watches.indexOf(call), 1));
            },
          },
        },
      ],
    });
    const { server } = this;
    onTestFinished(() => server.close());
    return server.address;
  }

  async push(version: bigint): Promise<void> {
    await expect.poll(() => this.watches.length).toBe(1);
    this.watches[0]?.write(create(UpdateSchema, { version }));
  }
}

function follow(address: string, log = SILENT): { follower: Follower; heard: bigint[]; started: Promise<void> } {
  const heard: bigint[] = [];
  const request = create(WatchRequestSchema, { scope: Scope.ROUTER, tier: 'router' });
  const settings = { address, token: undefined, peer: 'system' };
  const follower = new Follower(settings, request, ({ version }) => heard.push(version), log);
  onTestFinished(() => follower.close());
  return { follower, heard, started: follower.start() };
}

test('it starts with the first update, says who asks, and hears each that follows in order', async () => {
  const system = new Publisher();
  const { follower, heard, started } = follow(await system.start());
  expect(follower.live).toBe(false);
  await system.push(1n);
  await started;
  expect(follower.live).toBe(true);
  expect(heard).toEqual([1n]);
  expect(system.watches[0]?.request).toMatchObject({ scope: Scope.ROUTER, tier: 'router' });
  await system.push(2n);
  await system.push(3n);
  await expect.poll(() => heard).toEqual([1n, 2n, 3n]);
});

test.each([
  { how: 'is killed', end: (system: Publisher) => system.server?.close() },
  {
    how: 'stops in good order',
    end: (system: Publisher) => {
      const drained = system.server?.drain(AbortSignal.timeout(20_000));
      for (const watch of system.watches.splice(0)) watch.end();
      return drained;
    },
  },
])('when the system service $how it is not live, and is again when that comes back', async ({ end }) => {
  const system = new Publisher();
  const address = await system.start();
  const { follower, heard, started } = follow(address);
  await system.push(1n);
  await started;
  await end(system);
  await expect.poll(() => follower.live).toBe(false);
  await system.start(address);
  await system.push(2n);
  await expect.poll(() => follower.live, { timeout: 5000 }).toBe(true);
  expect(heard).toEqual([1n, 2n]);
  expect(system.watches).toHaveLength(1);
});

test('a system service that comes later is found', async () => {
  const gone = new Publisher();
  const address = await gone.start();
  await gone.server?.close();
  const { follower, started } = follow(address);
  const system = new Publisher();
  await system.start(address);
  await system.push(1n);
  await started;
  expect(follower.live).toBe(true);
});

test('that it is not heard is said once, and why', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
  const system = new Publisher();
  const { started } = follow(await system.start(), log);
  for (const details of ['Not yet.', 'Still not.']) {
    await expect.poll(() => system.watches.length).toBe(1);
    system.watches.pop()?.emit('error', Object.assign(new Error(details), { code: status.UNAVAILABLE, details }));
  }
  await system.push(1n);
  await started;
  expect(lines.map((line) => JSON.parse(line))).toEqual([expect.objectContaining({ reason: 'Not yet.' })]);
});

test('once closed it hears nothing, and asks no more', async () => {
  const system = new Publisher();
  const { follower, heard, started } = follow(await system.start());
  await system.push(1n);
  await started;
  const [watch] = system.watches;
  follower.close();
  await expect.poll(() => watch?.cancelled).toBe(true);
  expect(heard).toEqual([1n]);
  expect(system.watches).toHaveLength(0);
});
