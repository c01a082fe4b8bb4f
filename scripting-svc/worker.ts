/** One worker: what it has to know, what it does as long as it has no place, and the place that it is given. */
import { create } from '@bufbuild/protobuf';
import type { Component } from '#common/component.ts';
import { Follower } from '#common/follow.ts';
import type { Logger } from '#common/observe/log.ts';
import { NO_OUTBOUND } from '#common/outbound/policy.ts';
import { Scope, WatchRequestSchema } from '#proto/access/v1/access_pb.ts';
import { LaneServer } from './lane-server.ts';
import { PushedScripts } from './store.ts';
import { warmUp } from './warm-up.ts';
import type { WorkerConfig } from './worker-config.ts';
import type { WorkerPlace } from './worker-place.ts';

/** Until routers that were sent away from the place know that somebody is there again, they come by the other door. */
const STAY_MS = 100;

/** Knows all scripts, and runs none until it has a place or stands by. */
export interface PreparedWorker {
  /** For one that has the time, until it has not. */
  warmUp(isWanted: () => boolean): Promise<unknown>;
  /** Runs short scripts while it has no place, so that it is warm when it is needed. Nothing where that is not set up. */
  standBy(): Promise<void>;
  seat(place: WorkerPlace): Promise<Component>;
}

export async function prepareWorker(config: WorkerConfig, log: Logger): Promise<PreparedWorker> {
  const { clusterToken: token } = config;
  const store = new PushedScripts();
  const system = { address: config.systemAddress, token, peer: 'system' };
  const watch = create(WatchRequestSchema, { scope: Scope.SCRIPTS, tier: 'scripting' });
  const follower = new Follower(system, watch, (update) => store.apply(update), log);
  await follower.start();
  let standby: { readonly server: LaneServer; readonly leave: (afterMs: number) => Promise<void> } | undefined;
  return {
    warmUp: (isWanted) =>
      warmUp(isWanted, {
        ...{ caps: config.caps, log, platformConfig: () => ({}), threads: { nice: 0 }, fetch: NO_OUTBOUND },
        api: { call: () => Promise.reject(new Error('Nobody calls the API.')) },
      }),
    standBy: async () => {
      if (config.standbyAddress === undefined) return;
      const server = new LaneServer('quick', { config, store, log });
      standby = { server, leave: await server.open(config.standbyAddress) };
    },
    seat: async ({ lane, address }) => {
      const warm = lane === 'quick' ? standby?.server : undefined;
      const server = warm ?? new LaneServer(lane, { config, store, log });
      await server.open(address);
      // In its own time: nobody waits for that.
      void standby?.leave(warm ? STAY_MS : 0).then(() => (warm ? undefined : standby?.server.close()));
      log.info({ lane }, 'script worker is ready');
      return {
        name: server.name,
        drain: (deadline) => server.drain(deadline),
        close: async () => {
          follower.close();
          await server.close();
        },
      };
    },
  };
}
