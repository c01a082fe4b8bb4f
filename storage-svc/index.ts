/** The storage tier: files of local disks, object stores and file servers, behind one gRPC service. */
import { create } from '@bufbuild/protobuf';
import type { Component } from '#common/component.ts';
import { ContentLine } from '#common/files/content-line.ts';
import { Follower } from '#common/follow.ts';
import { startGrpcServer } from '#common/grpc/server.ts';
import type { Logger } from '#common/observe/log.ts';
import { Scope, ServiceTypeSchema, WatchRequestSchema } from '#proto/access/v1/access_pb.ts';
import { BACKENDS } from './backends.ts';
import type { StorageConfig } from './config.ts';
import { StorageConnector } from './connector.ts';
import { fileStore } from './file-store.ts';
import { sweepUploads } from './uploads/sweep.ts';

export { readConfig } from './config.ts';

const TIER = 'storage';

export async function start(config: StorageConfig, log: Logger): Promise<Component & { address: string }> {
  const { dataDir, connectionsMax } = config;
  const connector = new StorageConnector({ dataDir, connectionsMax, log });
  const request = create(WatchRequestSchema, {
    scope: Scope.CONNECTOR,
    tier: TIER,
    serviceTypes: await announcedTypes(),
  });
  const system = { address: config.systemAddress, token: config.clusterToken, peer: 'system' };
  const follower = new Follower(system, request, (update) => connector.apply(update), log);
  const line = config.contentAddress === undefined ? undefined : await ContentLine.open(config.contentAddress);
  const server = await startGrpcServer({
    name: TIER,
    address: config.address,
    token: config.clusterToken,
    services: [fileStore(connector, config.files, log, line)],
  });
  const endSweeping = sweepUploads(connector, log);
  await follower.start();
  log.info({ address: server.address }, 'storage is ready');
  const close = async (): Promise<void> => {
    endSweeping();
    follower.close();
    await server.close();
    await line?.close();
    await connector.close();
  };
  const drain = async (deadline: AbortSignal): Promise<void> => {
    follower.close();
    await server.drain(deadline);
  };
  return { name: TIER, address: server.address, drain, close };
}

/** What can be hooked up here, as the system service and its clients should know it. */
async function announcedTypes() {
  const backends = await Promise.all(Object.values(BACKENDS).map((load) => load()));
  return backends.map(({ backend: { name, label, description, group, configFields } }) =>
    create(ServiceTypeSchema, {
      name,
      label,
      description,
      group,
      configSchemaJson: Buffer.from(JSON.stringify(configFields)),
    }),
  );
}
