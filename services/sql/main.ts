import { stopOnSignal } from '#common/component.ts';
import { createLogger } from '#common/observe/log.ts';
import { readConfig, start } from './index.ts';

const config = readConfig(process.env);
stopOnSignal(await start(config, createLogger('sql', config.logLevel)), { drainMs: 10_000 });
