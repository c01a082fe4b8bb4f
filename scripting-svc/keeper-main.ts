import { createLogger } from '#common/observe/log.ts';
import { runTier } from '#common/program.ts';
import { readConfig } from './config.ts';
import type { KeeperMessage } from './keeper.ts';
import { superviseWorkers } from './workers.ts';

process.title = 'millrace-script-keeper';
// Its parent may go at any time: from here on until the tier listens for that itself, and before.
const leave = (): never => process.exit(0);
process.once('disconnect', leave);
if (process.connected === false) leave();

const workers = await runTier(async () => {
  const config = readConfig(process.env);
  return superviseWorkers(config, process.env, createLogger('scripting', config.logLevel));
});
process.off('disconnect', leave);
process.on('message', ({ close }: KeeperMessage) => {
  if (close) void workers.close().finally(() => process.exit(0));
});
