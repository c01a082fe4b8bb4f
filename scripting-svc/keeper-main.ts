import { createLogger } from '#common/observe/log.ts';
import { runTier } from '#common/program.ts';
import { readConfig } from './config.ts';
import type { KeeperMessage } from './keeper.ts';
import { superviseWorkers } from './workers.ts';

process.title = 'millrace-script-keeper';

const workers = await runTier(async () => {
  const config = readConfig(process.env);
  return superviseWorkers(config, process.env, createLogger('scripting', config.logLevel));
});
process.on('message', ({ close }: KeeperMessage) => {
  if (close) void workers.close().finally(() => process.exit(0));
});
