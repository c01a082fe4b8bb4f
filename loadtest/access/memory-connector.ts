/**
 * Stands in the place of the SQL tier: a connector behind the real exchange that answers every read with one record
 * from memory. What is measured through it is the way there and back.
 */
import { create } from '@bufbuild/protobuf';
import type { Component } from '#common/component.ts';
import { dataConnector } from '#common/exchange/server.ts';
import { Follower } from '#common/follow.ts';
import { startGrpcServer } from '#common/grpc/server.ts';
import { createLogger } from '#common/observe/log.ts';
import { runTier } from '#common/program.ts';
import { Scope, ServiceTypeSchema, WatchRequestSchema } from '#proto/access/v1/access_pb.ts';
import { ResultSchema } from '#proto/data/v1/data_pb.ts';
import { readConfig } from '../../services/sql/config.ts';
import { BODY, MEMORY_TYPE } from './memory-service.ts';

/** The router asks the tier of this name. */
const TIER = 'sql';

async function start(): Promise<Component> {
  const config = readConfig(process.env);
  const log = createLogger(TIER);
  const json = Buffer.from(BODY);
  const connector = dataConnector({ execute: async () => create(ResultSchema, { json }) }, log);
  const { name, address } = { name: TIER, address: config.address };
  const server = await startGrpcServer({ name, address, token: config.clusterToken, services: [connector] });
  const system = { address: config.systemAddress, token: config.clusterToken, peer: 'system' };
  const type = create(ServiceTypeSchema, {
    ...{ name: MEMORY_TYPE, label: 'Memory', description: 'One record, from memory.', group: 'Database' },
    configSchemaJson: Buffer.from('[]'),
  });
  const request = create(WatchRequestSchema, { scope: Scope.CONNECTOR, tier: TIER, serviceTypes: [type] });
  const follower = new Follower(system, request, () => {}, log);
  await follower.start();
  return {
    name,
    drain: async (deadline) => {
      follower.close();
      connector.drain();
      await server.drain(deadline);
    },
    close: async () => {
      follower.close();
      await server.close();
    },
  };
}

await runTier(start);
