import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
} from '#grpc/reflection/v1/reflection_pb.ts';
import { DataConnector } from '#proto/data/v1/data_pb.ts';
import { Sessions } from '#proto/system/v1/system_pb.ts';
import { Channel } from './channel.ts';
import { startGrpcServer } from './server.ts';

type Question = ServerReflectionRequest['messageRequest'];
type Answer = ServerReflectionResponse['messageResponse'];

/** Asks on one stream, as a person's tool does. */
async function ask(...questions: Question[]): Promise<Answer[]> {
  const services = [DataConnector, Sessions].map((desc) => ({ desc, implementation: {} }));
  const server = await startGrpcServer({ name: 'test', address: '127.0.0.1:0', token: undefined, services });
  const channel = new Channel(ServerReflection, { address: server.address, token: undefined, peer: 'test' });
  onTestFinished(async () => {
    channel.close();
    await server.close();
  });
  const stream = channel.duplex('serverReflectionInfo');
  for (const messageRequest of questions) stream.write(create(ServerReflectionRequestSchema, { messageRequest }));
  stream.end();
  const answers: Answer[] = [];
  for await (const response of stream as AsyncIterable<ServerReflectionResponse>) {
    answers.push(response.messageResponse);
  }
  return answers;
}

function fileOf(answer: Answer | undefined): FileDescriptorProto {
  const [bytes] = answer?.case === 'fileDescriptorResponse' ? answer.value.fileDescriptorProto : [];
  if (!bytes) throw new Error(`No file, but ${answer?.case}.`);
  return fromBinary(FileDescriptorProtoSchema, bytes);
}

test('lists what the port serves, health and itself among it', async () => {
  const [answer] = await ask({ case: 'listServices', value: '' });
  const names = answer?.case === 'listServicesResponse' ? answer.value.service.map(({ name }) => name) : [];
  expect(names.sort()).toEqual([
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
    'millrace.data.v1.DataConnector',
    'millrace.system.v1.Sessions',
  ]);
});

const SYMBOLS = [
  { what: 'a service', symbol: 'millrace.data.v1.DataConnector', file: 'millrace/data/v1/data.proto' },
  { what: 'a method', symbol: 'millrace.data.v1.DataConnector.Exchange', file: 'millrace/data/v1/data.proto' },
  { what: 'a message', symbol: 'millrace.data.v1.Operation', file: 'millrace/data/v1/data.proto' },
  { what: 'an enum within a message', symbol: 'millrace.data.v1.Order.Nulls', file: 'millrace/data/v1/data.proto' },
  { what: 'an enum', symbol: 'millrace.data.v1.Comparator', file: 'millrace/data/v1/data.proto' },
];
test.each(SYMBOLS)('finds the file of $what, by symbol and by name', async ({ symbol, file }) => {
  const [bySymbol, byName] = await ask(
    { case: 'fileContainingSymbol', value: symbol },
    { case: 'fileByFilename', value: file },
  );
  expect(fileOf(bySymbol).name).toBe(file);
  expect(fileOf(byName)).toEqual(fileOf(bySymbol));
});

test('the files describe the services in full, together with what they import', async () => {
  const wanted = ['millrace.system.v1.Sessions', 'millrace.data.v1.DataConnector'];
  const files = new Map<string, FileDescriptorProto>();
  let names = (await ask(...wanted.map((value) => ({ case: 'fileContainingSymbol' as const, value })))).map(fileOf);
  while (names.length > 0) {
    for (const file of names) files.set(file.name, file);
    const missing = [...new Set(names.flatMap(({ dependency }) => dependency))].filter((name) => !files.has(name));
    names = (await ask(...missing.map((value) => ({ case: 'fileByFilename' as const, value })))).map(fileOf);
  }
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...files.values()].reverse() }));
  expect(Object.keys(registry.getService('millrace.data.v1.DataConnector')?.method ?? {})).toEqual(
    Object.keys(DataConnector.method),
  );
  expect(registry.getService('millrace.system.v1.Sessions')).toBeDefined();
});

const UNKNOWN: (Question & { why: string; code: number })[] = [
  { why: 'a symbol', case: 'fileContainingSymbol', value: 'no.such.Thing', code: status.NOT_FOUND },
  { why: 'a file', case: 'fileByFilename', value: 'no/such.proto', code: status.NOT_FOUND },
  { why: 'no question', case: undefined, code: status.UNIMPLEMENTED },
];
test.each(UNKNOWN)('$why that is not known is an answer, and the stream goes on', async ({ why: _, code, ...rest }) => {
  const [first, second] = await ask(rest as Question, { case: 'listServices', value: '' });
  expect(first).toMatchObject({ case: 'errorResponse', value: { errorCode: code } });
  expect(second?.case).toBe('listServicesResponse');
});
