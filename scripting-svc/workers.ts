/** Workers as settings ask for them. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Component } from '#common/component.ts';
import type { Environment } from '#common/config/env.ts';
import type { Logger } from '#common/observe/log.ts';
import type { ScriptingConfig } from './config.ts';
import { Supervisor } from './supervisor.ts';

/** The same from scripting-svc/ and from dist/, where this file is bundled to. */
const PROGRAM = fileURLToPath(new URL('../dist/script-worker.js', import.meta.url));
/** isolated-vm cannot share a process with a snapshot that Node was started from. */
const EXEC_ARGV = ['--no-node-snapshot', '--enable-source-maps'];

/** @param env  what they are started with */
export function superviseWorkers({ places, hasSpare }: ScriptingConfig, env: Environment, log: Logger): Component {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is not there: build first.`);
  const supervisor = new Supervisor({ program: PROGRAM, execArgv: EXEC_ARGV, env, places, hasSpare, log });
  supervisor.start();
  return {
    name: 'script-workers',
    drain: (deadline) => supervisor.drain(deadline),
    close: () => supervisor.close(),
  };
}
