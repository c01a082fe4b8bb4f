/** A tier of databases: its server, what it announces, and the changes that it follows. */
import { create } from '@bufbuild/protobuf';
import { Scope, ServiceTypeSchema, WatchRequestSchema } from '#proto/access/v1/access_pb.ts';
import { type ExtraChange, SaveExtrasRequestSchema, SchemaExtras } from '#proto/system/v1/system_pb.ts';
import type { Component } from '../component.ts';
import type { Engine, Source } from '../engine.ts';
import { type ErrorCode, MillraceError } from '../errors.ts';
import { dataConnector } from '../exchange/server.ts';
import { Follower } from '../follow.ts';
import { Channel } from '../grpc/channel.ts';
import { startGrpcServer } from '../grpc/server.ts';
import { within } from '../in-time.ts';
import type { Logger } from '../observe/log.ts';
import { type Engines, TierConnector, type TierParts } from './connector.ts';

const SAVE_TIMEOUT_MS = 10_000;
/** Within it a change is pushed to all who watch. */
const PUSH_TIMEOUT_MS = 1_000;

export interface DataTierConfig {
  /** Where it listens: host:port or unix:/path. */
  readonly address: string;
  /** The system service. */
  readonly systemAddress: string;
  readonly clusterToken: string | undefined;
  readonly dataDir: string;
  readonly connectionsMax: number;
}

export async function startDataTier<E extends Engine<Source>>(
  tier: string,
  config: DataTierConfig,
  parts: TierParts<E>,
  log: Logger,
): Promise<Component & { address: string }> {
  const system = { address: config.systemAddress, token: config.clusterToken, peer: 'system' };
  const extras = new Channel(SchemaExtras, system);
  const connector: TierConnector<E> = new TierConnector(parts, {
    dataDir: config.dataDir,
    connectionsMax: config.connectionsMax,
    saveExtras: (service, changes) => saveExtras(extras, connector, service, changes),
    log,
  });
  const request = create(WatchRequestSchema, {
    scope: Scope.CONNECTOR,
    tier,
    serviceTypes: await announcedTypes(parts.engines),
  });
  const follower = new Follower(system, request, (update) => connector.apply(update), log);
  const connections = dataConnector(connector, log);
  const server = await startGrpcServer({
    name: tier,
    address: config.address,
    token: config.clusterToken,
    services: [connections],
  });
  await follower.start();
  log.info({ address: server.address }, `${tier} is ready`);
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
  return { name: tier, address: server.address, drain, close };
}

/** What can be hooked up here, as the system service and its clients should know it. */
async function announcedTypes<E extends Engine<Source>>(engines: Engines<E>) {
  const loaded = await Promise.all(Object.values(engines).map((load) => load()));
  return loaded.map(({ engine }) =>
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
  connector: { reached(version: bigint): Promise<void> },
  service: string,
  changes: readonly ExtraChange[],
): Promise<void> {
  const request = create(SaveExtrasRequestSchema, { service, changes: [...changes] });
  const { failure, version } = await channel.call('save', request, SAVE_TIMEOUT_MS);
  if (failure) throw new MillraceError(failure.code as ErrorCode, failure.message);
  // Stored it is: a push that does not come, as nothing changed by it, is not waited for.
  await within(PUSH_TIMEOUT_MS, () => connector.reached(version)).catch(() => {});
}
