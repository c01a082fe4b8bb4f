/** The system service as a process of its own. */
import { createLogger } from '#common/observe/log.ts';
import { runTier } from '#common/program.ts';
import { readConfig, start } from './index.ts';

const service = await runTier(() => start(readConfig(process.env), createLogger('system')));
process.stdout.write(`system service at ${service.address}\n`);
const { firstAdmin } = service;
if (firstAdmin?.password) process.stdout.write(`administrator ${firstAdmin.email}, password ${firstAdmin.password}\n`);
