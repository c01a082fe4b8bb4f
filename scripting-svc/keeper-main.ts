import { fileURLToPath } from 'node:url';
import { createLogger } from '#common/observe/log.ts';
import { runTier } from '#common/program.ts';
import { readConfig } from './config.ts';
import type { KeeperMessage } from './keeper.ts';
import { confinement } from './processors.ts';
import { Supervisor } from './supervisor.ts';

/** The same from scripting-svc/ and from dist/, where this file is bundled to. */
const PROGRAM = fileURLToPath(new URL('../dist/script-worker.js', import.meta.url));
/** isolated-vm cannot share a process with a snapshot that Node was started from. */
const EXEC_ARGV = ['--no-node-snapshot', '--enable-source-maps'];

process.title = 'millrace-script-keeper';
// Its parent may go at any time: from here on until the tier listens for that itself, and before.
const leave = (): never => process.exit(0);
process.once('disconnect', leave);
if (process.connected === false) leave();

const workers = await runTier(async () => {
  const { places, hasSpare, processorsLeft, logLevel } = readConfig(process.env);
  const log = createLogger('scripting', logLevel);
  const program = { program: PROGRAM, execArgv: EXEC_ARGV, env: process.env };
  const confine = confinement(processorsLeft, log);
  const supervisor = new Supervisor({ ...program, places, hasSpare, confine, log });
  supervisor.start();
  return {
    name: 'script-workers',
    drain: (deadline: AbortSignal) => supervisor.drain(deadline),
    close: () => supervisor.close(),
  };
});
process.off('disconnect', leave);
process.on('message', ({ close }: KeeperMessage) => {
  if (close) void workers.close().finally(() => process.exit(0));
});
