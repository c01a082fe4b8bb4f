/** The SQL tier: a data connector for PostgreSQL, SQLite and their kin. */
import { create } from '@bufbuild/protobuf';
import type { Component } from '#common/component.ts';
import { type ErrorCode, MillraceError } from '#common/errors.ts';
import { dataConnector } from '#common/exchange/server.ts';
import { Follower } from '#common/follow.ts';
import { Channel } from '#common/grpc/channel.ts';
import { startGrpcServer } from '#common/grpc/server.ts';
import { within } from '#common/in-time.ts';
import type { Logger } from '#common/observe/log.ts';
import { Scope, ServiceTypeSchema, WatchRequestSchema } from '#proto/access/v1/access_pb.ts';
import { type ExtraChange, SaveExtrasRequestSchema, SchemaExtras } from '#proto/system/v1/system_pb.ts';
import type { SqlConfig } from './config.ts';
import { SqlConnector } from './connector.ts';
import { ENGINES } from './engines.ts';

export { readConfig } from './config.ts';

const TIER = 'sql';
const SAVE_TIMEOUT_MS = 10_000;
/** Within it a change is pushed to all who watch. */
const PUSH_TIMEOUT_MS = 1_000;

export async function start(config: SqlConfig, log: Logger): Promise<Component & { address: string }> {
  const system = { address: config.systemAddress, token: config.clusterToken, peer: 'system' };
  const extras = new Channel(SchemaExtras, system);
  const connector: SqlConnector = new SqlConnector({
    dataDir: config.dataDir,
    connectionsMax: config.connectionsMax,
    saveExtras: (service, changes) => saveExtras(extras, connector, service, changes),
    log,
  });
  const request = create(WatchRequestSchema, {
    scope: Scope.CONNECTOR,
    tier: TIER,
    serviceTypes: await announcedTypes(),
  });
  const follower = new Follower(system, request, (update) => connector.apply(update), log);
  const connections = dataConnector(connector, log);
  const server = await startGrpcServer({
    name: TIER,
    address: config.address,
    token: config.clusterToken,
    services: [connections],
  });
  await follower.start();
  log.info({ address: server.address }, 'sql is ready');
  const close = async (): Promise<void> => {
    follower.close();
    extras.close();
    await server.close();
    await connector.close();
  };
  const drain = async (deadline: AbortSignal): Promise<void> => {
    follower.close();
    connections.drain();
    await server.drain(deadline);
  };
  return { name: TIER, address: server.address, drain, close };
}

/** What can be hooked up here, as the system service and its clients should know it. */
async function announcedTypes() {
  const engines = await Promise.all(Object.values(ENGINES).map((load) => load()));
  return engines.map(({ engine }) =>
    create(ServiceTypeSchema, {
      name: engine.name,
      label: engine.label,
      description: engine.description,
      group: engine.group,
      configSchemaJson: Buffer.from(JSON.stringify(engine.configFields)),
    }),
  );
}

async function saveExtras(
  channel: Channel<typeof SchemaExtras>,
  connector: SqlConnector,
  service: string,
  changes: readonly ExtraChange[],
): Promise<void> {
  const request = create(SaveExtrasRequestSchema, { service, changes: [...changes] });
  const { failure, version } = await channel.call('save', request, SAVE_TIMEOUT_MS);
  if (failure) throw new MillraceError(failure.code as ErrorCode, failure.message);
  // Stored it is: a push that does not come, as nothing changed by it, is not waited for.
  await within(PUSH_TIMEOUT_MS, () => connector.reached(version)).catch(() => {});
}
