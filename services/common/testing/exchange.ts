/** Both ends of an Exchange stream over a real socket, with a connector that answers when the test says so. */
import { create, toBinary } from '@bufbuild/protobuf';
import pino from 'pino';
import { onTestFinished } from 'vitest';
import { type Operation, OperationSchema, type Result, ResultSchema, ShapeSchema } from '#proto/data/v1/data_pb.ts';
import type { Connector } from '../connector.ts';
import type { Deadline } from '../deadline.ts';
import { ExchangeClient } from '../exchange/client.ts';
import { type DataConnectorService, dataConnector } from '../exchange/server.ts';
import { type GrpcServer, startGrpcServer } from '../grpc/server.ts';

export const SILENT = pino({ level: 'silent' });

/** A call that has reached the connector. */
export interface Held {
  readonly operation: Operation;
  readonly deadline: Deadline;
  answer(json?: string): void;
  fail(error: unknown): void;
}

/** Keeps every call until the test answers it; one that is aborted fails with its reason. */
export class HoldingConnector implements Connector {
  readonly held: Held[] = [];

  execute(operation: Operation, _shape: unknown, deadline: Deadline): Promise<Result> {
    return new Promise((resolve, reject) => {
      deadline.onAbort(() => reject(deadline.reason));
      const answer = (json = operation.requestId): void => resolve(resultOf(json));
      this.held.push({ operation, deadline, answer, fail: reject });
    });
  }

  /** The call with this request id, as soon as it is there. */
  async call(requestId: string): Promise<Held> {
    for (;;) {
      const found = this.held.find(({ operation }) => operation.requestId === requestId);
      if (found) return found;
      await turn();
    }
  }
}

export const echo: Connector = { execute: async (operation) => resultOf(operation.requestId) };

export const resultOf = (json: string): Result => create(ResultSchema, { json: Buffer.from(json) });

const SHAPE = toBinary(ShapeSchema, create(ShapeSchema, { service: 'db' }));

export const operationOf = (requestId: string, records: Uint8Array = new Uint8Array()): Operation =>
  create(OperationSchema, { form: { case: 'encodedShape', value: SHAPE }, requestId, records });

export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** One turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export interface Served {
  readonly server: GrpcServer;
  readonly service: DataConnectorService;
}

/** A data connector on a free port (or the given address), gone when the test is over. */
export async function serve(connector: Connector, address = '127.0.0.1:0'): Promise<Served> {
  const service = dataConnector(connector, SILENT);
  const server = await startGrpcServer({ name: 'test', address, token: undefined, services: [service] });
  onTestFinished(() => server.close());
  return { server, service };
}

export function connect({ server }: Served): ExchangeClient {
  const client = new ExchangeClient({ address: server.address, token: undefined, peer: 'test' });
  onTestFinished(() => client.close());
  return client;
}
