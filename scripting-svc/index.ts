/** The scripting tier: workers in processes of their own, started when there is a script to run. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import type { Component } from '#common/component.ts';
import type { Environment } from '#common/config/env.ts';
import { Follower } from '#common/follow.ts';
import type { Logger } from '#common/observe/log.ts';
import { Scope, WatchRequestSchema } from '#proto/access/v1/access_pb.ts';
import type { ScriptingConfig } from './config.ts';
import { Keeper } from './keeper.ts';
import { PushedScripts } from './store.ts';

export { readConfig } from './config.ts';

/** The same from scripting-svc/ and from dist/, where this file is bundled to. */
const PROGRAM = fileURLToPath(new URL('../dist/script-keeper.js', import.meta.url));
const EXEC_ARGV = ['--enable-source-maps'];

/** @param env  what workers are started with */
export async function start(config: ScriptingConfig, env: Environment, log: Logger): Promise<Component> {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is not there: build first.`);
  const keeper = new Keeper({ program: PROGRAM, execArgv: EXEC_ARGV, env, log });
  const scripts = new PushedScripts();
  const follower = new Follower(
    { address: config.systemAddress, token: config.clusterToken, peer: 'system' },
    create(WatchRequestSchema, { scope: Scope.SCRIPTS, tier: 'scripting' }),
    (update) => {
      scripts.apply(update);
      if (scripts.size > 0) keeper.start();
    },
    log,
  );
  await follower.start();
  log.info({ workers: config.places.length, scripts: scripts.size }, 'scripting is ready');
  return {
    name: 'scripting',
    drain: (deadline) => {
      follower.close();
      return keeper.drain(deadline);
    },
    close: async () => {
      follower.close();
      await keeper.close();
    },
  };
}
