/** The system service as a process of its own. */
import { stopOnSignal } from '#common/component.ts';
import { createLogger } from '#common/observe/log.ts';
import { readConfig, start } from './index.ts';

const service = await start(readConfig(process.env), createLogger('system'));
stopOnSignal(service, { drainMs: 10_000 });
process.stdout.write(`system service at ${service.address}\n`);
const { firstAdmin } = service;
if (firstAdmin?.password) process.stdout.write(`administrator ${firstAdmin.email}, password ${firstAdmin.password}\n`);
