import { create } from '@bufbuild/protobuf';
import pino, { type Level } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { DataConnector, OperationSchema, type Reply, ShapeSchema } from '#proto/data/v1/data_pb.ts';
import { invalid } from '../errors.ts';
import { Channel } from '../grpc/channel.ts';
import { startGrpcServer } from '../grpc/server.ts';
import { resultOf } from '../testing/exchange.ts';
import { dataConnector } from './server.ts';

interface Line {
  readonly level: number;
  readonly requestId: string;
  readonly service: string;
  readonly action: string;
  readonly code?: string;
  readonly err?: { message: string };
}

/** One operation, full of values, and what stands in the log after it. */
async function run(level: Level, thrown?: Error): Promise<{ lines: Line[]; text: string; reply: Reply }> {
  const written: string[] = [];
  const log = pino({ level }, { write: (line: string) => written.push(line) });
  const execute = async () => {
    if (thrown) throw thrown;
    return resultOf('[{"name":"private"}]');
  };
  const services = [dataConnector({ execute }, log)];
  const server = await startGrpcServer({ name: 'test', address: '127.0.0.1:0', token: undefined, services });
  const channel = new Channel(DataConnector, { address: server.address, token: undefined, peer: 'test' });
  onTestFinished(async () => {
    channel.close();
    await server.close();
  });
  const operation = create(OperationSchema, {
    form: { case: 'shape', value: create(ShapeSchema, { service: 'shop', action: { case: 'create', value: {} } }) },
    keys: [{ kind: { case: 'text', value: 'private' } }],
    parameters: [{ kind: { case: 'text', value: 'private' } }],
    records: Buffer.from('[{"name":"private"}]'),
    requestId: 'mine-1',
  });
  const reply = await channel.call('execute', operation, 5000);
  return { lines: written.map((line) => JSON.parse(line) as Line), text: written.join(''), reply };
}

const INTERNAL = new Error('relation "x" is broken');
const CASES = [
  { why: 'a good one, for those who want to know', level: 'debug', thrown: undefined, expected: { level: 20 } },
  { why: 'a refused one, likewise', level: 'debug', thrown: invalid('No.'), expected: { level: 20, code: 'invalid' } },
  { why: 'an unexpected failure', level: 'debug', thrown: INTERNAL, expected: { level: 50 } },
  { why: 'an unexpected failure, always', level: 'error', thrown: INTERNAL, expected: { level: 50 } },
] as const;
test.each(CASES)('one line under its request id, without values: $why', async ({ level, thrown, expected }) => {
  const { lines, text } = await run(level, thrown);
  expect(lines).toEqual([
    expect.objectContaining({ requestId: 'mine-1', service: 'shop', action: 'create', ...expected }),
  ]);
  expect(text).not.toContain('private');
});

test.each([undefined, invalid('No.')])('nothing where nobody asked to hear of it (%s)', async (thrown) => {
  expect((await run('info', thrown)).lines).toEqual([]);
});

test('why it failed stands in the log, and not in the answer', async () => {
  const { lines, reply } = await run('error', INTERNAL);
  expect(lines[0]?.err?.message).toBe(INTERNAL.message);
  expect(reply.outcome).toMatchObject({ case: 'error', value: { code: 'internal' } });
  expect(JSON.stringify(reply.outcome.value)).not.toContain('broken');
});
