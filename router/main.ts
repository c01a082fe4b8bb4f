import { createLogger } from '#common/observe/log.ts';
import { runTier } from '#common/program.ts';
import { readConfig, start } from './index.ts';

const router = await runTier(async () => {
  const config = readConfig(process.env);
  return start(config, createLogger('router', config.logLevel));
});
// A parent that started several of us learns when, and where.
const { port, grpcPort } = router;
process.send?.({ ready: true, port, grpcPort });
