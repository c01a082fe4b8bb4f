/** One worker: a sandbox, what it has to know, and the line by which runs reach it. */
import { renameSync, rmSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import type { Component } from '#common/component.ts';
import { Follower } from '#common/follow.ts';
import { GatewayClient } from '#common/gateway/client.ts';
import type { Logger } from '#common/observe/log.ts';
import { NO_OUTBOUND } from '#common/outbound/policy.ts';
import type { ScriptHandler } from '#common/scripts/line.ts';
import { NatsLink } from '#common/scripts/nats-link.ts';
import { NatsResponder } from '#common/scripts/nats-responder.ts';
import { listenForRuns } from '#common/scripts/stream-server.ts';
import { Scope, WatchRequestSchema } from '#proto/access/v1/access_pb.ts';
import { GatewayApi } from './gateway-api.ts';
import { ScriptThreads, SessionPriority } from './priority.ts';
import { Sandbox } from './sandbox/sandbox.ts';
import { PushedScripts } from './store.ts';
import { warmUp } from './warm-up.ts';
import type { WorkerConfig } from './worker-config.ts';
import type { WorkerPlace } from './worker-place.ts';

const HEALTH_MS = 50;

/** Knows all scripts, and runs none until it has a place. */
export interface PreparedWorker {
  /** For one that has the time, until it has not. */
  warmUp(isWanted: () => boolean): Promise<unknown>;
  seat(place: WorkerPlace): Promise<Component>;
}

export async function prepareWorker(config: WorkerConfig, log: Logger): Promise<PreparedWorker> {
  const { clusterToken: token } = config;
  const store = new PushedScripts();
  const system = { address: config.systemAddress, token, peer: 'system' };
  const watch = create(WatchRequestSchema, { scope: Scope.SCRIPTS, tier: 'scripting' });
  const follower = new Follower(system, watch, (update) => store.apply(update), log);
  await follower.start();
  return {
    warmUp: (isWanted) =>
      warmUp(isWanted, {
        ...{ caps: config.caps, log, platformConfig: () => ({}), threads: { nice: 0 }, fetch: NO_OUTBOUND },
        api: { call: () => Promise.reject(new Error('Nobody calls the API.')) },
      }),
    seat: (place) => seat(place, config, store, follower, log),
  };
}

async function seat(
  { lane, address }: WorkerPlace,
  config: WorkerConfig,
  store: PushedScripts,
  follower: Follower,
  log: Logger,
): Promise<Component> {
  const { clusterToken: token } = config;
  const gateway = new GatewayClient({ addresses: config.gatewayAddresses, token });
  const platform = {
    version: config.version,
    api_version: '2.0',
    always_wrap_resources: true,
    resources_wrapper: 'resource',
  };
  const threads = new ScriptThreads();
  const isPatient = lane === 'patient';
  const session = new SessionPriority(isPatient ? config.nice : 0, isPatient);
  if (isPatient) threads.nice = config.nice;
  const sandbox = new Sandbox({
    lane,
    threads,
    store,
    api: new GatewayApi(gateway),
    platformConfig: () => platform,
    caps: config.caps,
    fetch: config.outbound,
    log,
  });
  let hasRun = false;
  const handler: ScriptHandler = (run, deadline) => {
    if (!hasRun) process.send?.({ ran: true });
    hasRun = true;
    return sandbox.run(run, deadline);
  };
  const line = await (address === undefined
    ? overNats(config, lane, handler, log)
    : overStream(address, token, handler));
  const health = setInterval(() => {
    threads.look();
    session.look();
    if (sandbox.healthy) return;
    clearInterval(health);
    process.send?.({ replace: 'it has grown, or something in it is odd' });
  }, HEALTH_MS);
  log.info({ lane }, 'script worker is ready');
  return {
    name: `script-worker-${lane}`,
    drain: (deadline) => line.drain(deadline),
    close: async () => {
      clearInterval(health);
      follower.close();
      await line.close();
      if (sandbox.hasLostThread) process.kill(process.pid, 'SIGKILL');
      await sandbox.close();
      gateway.close();
    },
  };
}

async function overNats(
  { nats }: WorkerConfig,
  lane: WorkerPlace['lane'],
  handler: ScriptHandler,
  log: Logger,
): Promise<Component> {
  if (!nats) throw new Error('A worker needs an address, or NATS.');
  const link = new NatsLink(nats, log);
  const responder = new NatsResponder(link, lane, handler);
  return {
    name: 'nats',
    drain: () => responder.drain(),
    close: async () => {
      responder.close();
      await link.close();
    },
  };
}

/**
 * A worker that takes the place of another one is reached from the moment at which its socket takes the place of the
 * other's: each listens under a name of its own first, so that none takes away the name of its successor when it ends.
 */
async function overStream(address: string, token: string | undefined, handler: ScriptHandler): Promise<Component> {
  const path = address.slice('unix:'.length);
  const own = `${path}.${process.pid}`;
  const streams = await listenForRuns(own, token, handler);
  renameSync(own, path);
  return {
    name: streams.name,
    drain: (deadline) => streams.drain(deadline),
    close: async () => {
      await streams.close();
      rmSync(own, { force: true });
    },
  };
}
