import { createLogger } from '#common/observe/log.ts';
import { runTier } from '#common/program.ts';
import { startWorker } from './worker.ts';
import { readWorkerConfig } from './worker-config.ts';

await runTier(async () => {
  const config = readWorkerConfig(process.env);
  return startWorker(config, createLogger('script-worker', config.logLevel));
});
process.send?.({ ready: true });
