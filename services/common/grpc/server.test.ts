import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { type ServerUnaryCall, type ServerWritableStream, type sendUnaryData, status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Health, HealthCheckRequestSchema, type HealthCheckResponse } from '#grpc/health/v1/health_pb.ts';
import { AccessControl, type Update, UpdateSchema, WatchRequestSchema } from '#proto/access/v1/access_pb.ts';
import { DataConnector, type Operation, OperationSchema, type Reply, ReplySchema } from '#proto/data/v1/data_pb.ts';
import { invalid, MillraceError } from '../errors.ts';
import { Channel } from './channel.ts';
import { type GrpcServer, startGrpcServer } from './server.ts';
import type { ServedService } from './service.ts';
import { toServiceError } from './status.ts';

/** Answers a call with its id, fails at request 'bad', never answers request 'slow'. */
const answering: ServedService = {
  desc: DataConnector,
  implementation: {
    execute: ({ request }: ServerUnaryCall<Operation, Reply>, callback: sendUnaryData<Reply>): void => {
      if (request.requestId === 'bad') callback(toServiceError(invalid('No.')));
      else if (request.requestId !== 'slow') callback(null, create(ReplySchema, { id: request.id }));
    },
  },
};

/** Sends versions 1 to 3. */
const counting: ServedService = {
  desc: AccessControl,
  implementation: {
    watch: (call: ServerWritableStream<object, Update>): void => {
      for (const version of [1n, 2n, 3n]) call.write(create(UpdateSchema, { version }));
      call.end();
    },
  },
};

async function start(options: { address?: string; token?: string } = {}): Promise<GrpcServer> {
  const server = await startGrpcServer({
    name: 'test',
    address: options.address ?? '127.0.0.1:0',
    token: options.token,
    services: [answering, counting],
  });
  onTestFinished(() => server.close());
  return server;
}

function channel<S extends typeof DataConnector | typeof AccessControl | typeof Health>(
  desc: S,
  { address }: { address: string },
  token?: string,
): Channel<S> {
  const made = new Channel(desc, { address, token, peer: 'test' });
  onTestFinished(() => made.close());
  return made;
}

function socketFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-grpc-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const operation = (requestId: string): Operation => create(OperationSchema, { id: 7, requestId });
const checkHealth = (server: GrpcServer): Promise<HealthCheckResponse> =>
  channel(Health, server).call('check', create(HealthCheckRequestSchema), 5000);

async function collect(stream: AsyncIterable<Update>): Promise<bigint[]> {
  const versions: bigint[] = [];
  for await (const { version } of stream) versions.push(version);
  return versions;
}

describe('calls', () => {
  const ADDRESSES = [
    { why: 'any free port', address: () => '127.0.0.1:0', real: /^127\.0\.0\.1:[1-9]\d*$/ },
    { why: 'a Unix socket', address: () => `unix:${join(socketFolder(), 'socket')}`, real: /^unix:\/.+\/socket$/ },
  ];
  test.each(ADDRESSES)('over $why, one answer and several', async ({ address, real }) => {
    const server = await start({ address: address() });
    expect(server.address).toMatch(real);
    expect((await channel(DataConnector, server).call('execute', operation('good'), 5000)).id).toBe(7);
    expect(await collect(channel(AccessControl, server).watch('watch', create(WatchRequestSchema)))).toEqual([
      1n,
      2n,
      3n,
    ]);
  });

  test('a method that is not served is an error of the family', async () => {
    const server = await startGrpcServer({ name: 'test', address: '127.0.0.1:0', token: undefined, services: [] });
    onTestFinished(() => server.close());
    const call = channel(DataConnector, server).call('execute', operation('good'), 5000);
    await expect(call).rejects.toBeInstanceOf(MillraceError);
  });

  const FAILURES = [
    { requestId: 'bad', timeoutMs: 5000, code: 'internal' },
    { requestId: 'slow', timeoutMs: 50, code: 'deadline' },
  ];
  test.each(FAILURES)('a $requestId call ends as $code', async ({ requestId, timeoutMs, code }) => {
    const server = await start();
    const call = channel(DataConnector, server).call('execute', operation(requestId), timeoutMs);
    await expect(call).rejects.toMatchObject({ code });
  });

  test('nobody at the address: unavailable, without the address', async () => {
    const server = await start();
    await server.close();
    const call = channel(DataConnector, server).call('execute', operation('good'), 5000);
    await expect(call).rejects.toMatchObject({ code: 'unavailable', message: expect.not.stringMatching(/\d/) });
  });
});

describe('the token', () => {
  const CASES = [
    { why: 'the right one', asked: 'secret', sent: 'secret', let: true },
    { why: 'a wrong one of the same length', asked: 'secret', sent: 'sekret', let: false },
    { why: 'the beginning of it', asked: 'secret', sent: 'sec', let: false },
    { why: 'none', asked: 'secret', sent: undefined, let: false },
    { why: 'one where none is asked for', asked: undefined, sent: 'secret', let: true },
  ];
  test.each(CASES)('$why: let in is $let', async ({ asked, sent, let: letIn }) => {
    const server = await start(asked === undefined ? {} : { token: asked });
    const call = channel(DataConnector, server, sent).call('execute', operation('good'), 5000);
    const watch = collect(channel(AccessControl, server, sent).watch('watch', create(WatchRequestSchema)));
    if (letIn) {
      expect((await call).id).toBe(7);
      expect(await watch).toHaveLength(3);
    } else {
      await expect(call).rejects.toMatchObject({ cause: { code: status.UNAUTHENTICATED } });
      await expect(watch).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    }
  });

  test('health needs none: a balancer has no secret', async () => {
    expect((await checkHealth(await start({ token: 'secret' }))).status).toBe(1);
  });
});

describe('the address', () => {
  test('a taken port is an error that says who, where and why', async () => {
    const { address } = await start();
    const message = expect.stringMatching(new RegExp(`^test .*${address}.*EADDRINUSE`));
    await expect(start({ address })).rejects.toMatchObject({ code: 'unavailable', message });
  });

  test('a socket on which somebody answers is not taken away', async () => {
    const address = `unix:${join(socketFolder(), 'socket')}`;
    const server = await start({ address });
    await expect(start({ address })).rejects.toMatchObject({ code: 'unavailable' });
    expect((await checkHealth(server)).status).toBe(1);
  });

  test('the socket of a killed process does not stand in the way', async () => {
    const path = join(socketFolder(), 'socket');
    const listenAndDie = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`;
    expect(() => execFileSync(process.execPath, ['-e', listenAndDie], { stdio: 'ignore' })).toThrow();
    expect(existsSync(path)).toBe(true);
    expect((await checkHealth(await start({ address: `unix:${path}` }))).status).toBe(1);
  });

  test('a file that is no socket is left alone', async () => {
    const path = join(socketFolder(), 'precious');
    writeFileSync(path, 'data');
    await expect(start({ address: `unix:${path}` })).rejects.toMatchObject({ code: 'unavailable' });
    expect(existsSync(path)).toBe(true);
  });
});

describe('the end', () => {
  test('a drain waits for what is in flight, and the port is free afterwards', async () => {
    const server = await start();
    const slow = channel(DataConnector, server).call('execute', operation('slow'), 200);
    await channel(DataConnector, server).call('execute', operation('good'), 5000);
    let isOver = false;
    const drained = server.drain(AbortSignal.timeout(20_000)).then(() => {
      isOver = true;
    });
    await slow.catch(() => expect(isOver).toBe(false));
    await drained;
    const { port, host } = new URL(`http://${server.address}`);
    const next = createServer().listen(Number(port), host.split(':')[0]);
    await new Promise((resolve, reject) => next.once('listening', resolve).once('error', reject));
    await new Promise((resolve) => next.close(resolve));
  });

  test.each([
    { why: 'in the middle', signal: () => AbortSignal.timeout(50) },
    { why: 'before the beginning', signal: () => AbortSignal.abort() },
  ])('a drain whose time is over $why ends what is in flight', async ({ signal }) => {
    const server = await start();
    const client = channel(DataConnector, server);
    const slow = client.call('execute', operation('slow'), 20_000);
    await client.call('execute', operation('good'), 5000);
    await Promise.all([server.drain(signal()), expect(slow).rejects.toMatchObject({ code: 'unavailable' })]);
  });

  test('it may be closed twice', async () => {
    const server = await start();
    await server.close();
    await expect(server.close()).resolves.toBeUndefined();
  });
});
