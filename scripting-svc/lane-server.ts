/** A sandbox of one lane, and the lines by which runs reach it. */
import { renameSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Component } from '#common/component.ts';
import { GatewayClient } from '#common/gateway/client.ts';
import type { Logger } from '#common/observe/log.ts';
import type { ScriptHandler } from '#common/scripts/line.ts';
import { NatsLink } from '#common/scripts/nats-link.ts';
import { NatsResponder } from '#common/scripts/nats-responder.ts';
import { listenForRuns } from '#common/scripts/stream-server.ts';
import { GatewayApi } from './gateway-api.ts';
import { ScriptThreads, SessionPriority } from './priority.ts';
import { Sandbox, type ScriptStore } from './sandbox/sandbox.ts';
import type { WorkerConfig } from './worker-config.ts';
import { HELD_FD, type WorkerMessage, type WorkerPlace } from './worker-place.ts';

const HEALTH_MS = 50;
/** Until it gives way its scripts are as hard on others as any program. */
const GIVE_WAY_MS = 10;
/** For what has come by a line that is left. */
const LEAVE_MS = 1_000;

export interface LaneServerParts {
  readonly config: WorkerConfig;
  readonly store: ScriptStore;
  readonly log: Logger;
}

type Lane = WorkerPlace['lane'];

export class LaneServer implements Component {
  readonly name: string;
  readonly #lane: Lane;
  readonly #parts: LaneServerParts;
  readonly #gateway: GatewayClient;
  readonly #sandbox: Sandbox;
  readonly #lines = new Set<Component>();
  readonly #looks: readonly NodeJS.Timeout[];
  #hasRun = false;

  constructor(lane: Lane, parts: LaneServerParts) {
    const { config, store, log } = parts;
    const isPatient = lane === 'patient';
    const session = new SessionPriority(isPatient ? config.nice : 0);
    const threads = new ScriptThreads();
    if (isPatient) threads.nice = config.nice;
    const platform = {
      version: config.version,
      api_version: '2.0',
      always_wrap_resources: true,
      resources_wrapper: 'resource',
    };
    this.name = `script-worker-${lane}`;
    this.#lane = lane;
    this.#parts = parts;
    this.#gateway = new GatewayClient({ addresses: config.gatewayAddresses, token: config.clusterToken });
    this.#sandbox = new Sandbox({
      ...{ lane, threads, store, log, caps: config.caps, fetch: config.outbound },
      api: new GatewayApi(this.#gateway),
      platformConfig: () => platform,
      heldFd: HELD_FD,
    });
    const health = setInterval(() => {
      threads.look();
      if (this.#sandbox.healthy) return;
      clearInterval(health);
      tell({ replace: 'it has grown, or something in it is odd' });
    }, HEALTH_MS);
    this.#looks = [health, ...(isPatient ? [setInterval(() => session.look(), GIVE_WAY_MS)] : [])];
  }

  /**
   * Runs reach it from now on. That it runs something is said once for each address.
   *
   * @param address  unix:/path; undefined: over NATS
   * @returns ends this line, so many milliseconds later: what has come by it until then is answered
   */
  async open(address: string | undefined): Promise<(afterMs: number) => Promise<void>> {
    const { config, log } = this.#parts;
    this.#hasRun = false;
    const handler: ScriptHandler = (run, deadline) => {
      if (!this.#hasRun) tell({ ran: true });
      this.#hasRun = true;
      return this.#sandbox.run(run, deadline);
    };
    const line = await (address === undefined
      ? overNats(config, this.#lane, handler, log)
      : overStream(address, config.clusterToken, handler));
    this.#lines.add(line);
    return async (afterMs) => {
      await sleep(afterMs, undefined, { ref: false });
      await line.drain(AbortSignal.timeout(LEAVE_MS));
      this.#lines.delete(line);
      await line.close();
    };
  }

  async drain(deadline: AbortSignal): Promise<void> {
    await Promise.all([...this.#lines].map((line) => line.drain(deadline)));
  }

  async close(): Promise<void> {
    for (const look of this.#looks) clearInterval(look);
    await Promise.all([...this.#lines].map((line) => line.close()));
    if (this.#sandbox.hasLostThread) process.kill(process.pid, 'SIGKILL');
    await this.#sandbox.close();
    this.#gateway.close();
  }
}

const tell = (message: WorkerMessage): void => void process.send?.(message);

async function overNats({ nats }: WorkerConfig, lane: Lane, handler: ScriptHandler, log: Logger): Promise<Component> {
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
