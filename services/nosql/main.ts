import { createLogger } from '#common/observe/log.ts';
import { runTier } from '#common/program.ts';
import { readConfig, start } from './index.ts';

await runTier(async () => {
  const config = readConfig(process.env);
  return start(config, createLogger('nosql', config.logLevel));
});
