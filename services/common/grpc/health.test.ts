import { create } from '@bufbuild/protobuf';
import { expect, onTestFinished, test } from 'vitest';
import {
  Health,
  HealthCheckRequestSchema,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as Status,
} from '#grpc/health/v1/health_pb.ts';
import { DataConnector } from '#proto/data/v1/data_pb.ts';
import { Channel } from './channel.ts';
import { type GrpcServer, startGrpcServer } from './server.ts';

async function start(): Promise<{ server: GrpcServer; health: Channel<typeof Health> }> {
  const services = [{ desc: DataConnector, implementation: {} }];
  const server = await startGrpcServer({ name: 'test', address: '127.0.0.1:0', token: undefined, services });
  const health = new Channel(Health, { address: server.address, token: undefined, peer: 'test' });
  onTestFinished(async () => {
    health.close();
    await server.close();
  });
  return { server, health };
}

const about = (service: string) => create(HealthCheckRequestSchema, { service });

const CASES = [
  { service: '', serving: true, status: Status.SERVING },
  { service: DataConnector.typeName, serving: true, status: Status.SERVING },
  { service: '', serving: false, status: Status.NOT_SERVING },
  { service: DataConnector.typeName, serving: false, status: Status.NOT_SERVING },
];
test.each(CASES)("check of '$service' while serving is $serving", async ({ service, serving, status }) => {
  const { server, health } = await start();
  server.setServing(serving);
  expect((await health.call('check', about(service), 5000)).status).toBe(status);
});

test('check of a service that is not here is an error', async () => {
  const { health } = await start();
  await expect(health.call('check', about('no.such.Service'), 5000)).rejects.toMatchObject({ code: 'internal' });
});

test('a watch hears the state, each change, and the end of a draining server', async () => {
  const { server, health } = await start();
  const heard: Status[] = [];
  const watch = health.watch('watch', about(''));
  watch.on('data', ({ status }: HealthCheckResponse) => heard.push(status));
  const ended = new Promise((resolve, reject) => watch.once('end', resolve).once('error', reject));
  await expect.poll(() => heard).toEqual([Status.SERVING]);
  server.setServing(false);
  server.setServing(true);
  await expect.poll(() => heard).toEqual([Status.SERVING, Status.NOT_SERVING, Status.SERVING]);
  await server.drain(AbortSignal.timeout(20_000));
  await ended;
  expect(heard.at(-1)).toBe(Status.NOT_SERVING);
});

test('a watch of a service that is not here waits for it', async () => {
  const { health } = await start();
  const watch = health.watch('watch', about('no.such.Service'));
  watch.on('error', () => {});
  const first = await new Promise<HealthCheckResponse>((resolve) => watch.once('data', resolve));
  watch.cancel();
  expect(first.status).toBe(Status.SERVICE_UNKNOWN);
});
