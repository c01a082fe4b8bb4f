import { stopOnSignal } from '#common/component.ts';
import { createLogger } from '#common/observe/log.ts';
import { readConfig, start } from './index.ts';

const config = readConfig(process.env);
const router = await start(config, createLogger('router', config.logLevel));
stopOnSignal(router, { drainMs: 10_000 });
// A parent that started several of us learns when, and where.
process.send?.({ ready: true, port: router.port });
