/** The file services that an installation begins with: folders below its own data folder. */
import type { Changes } from './changes.ts';
import type { Tools } from './records/model.ts';
import { seedOnce, seedService } from './seed-once.ts';

const LOCAL_FILE = 'local_file';

/** Ids, names and folders are those that programs written for the original know (system-api §10.4). */
const SERVICES = [
  {
    id: 3,
    name: 'files',
    label: 'Local File Storage',
    description: 'Service for accessing local file storage.',
    type: LOCAL_FILE,
    config: { container: 'app', public_path: null },
  },
  {
    id: 4,
    name: 'logs',
    label: 'Local Log Storage',
    description: 'Service for accessing local log storage.',
    type: LOCAL_FILE,
    config: { container: 'logs', public_path: null },
  },
];

export const seedFiles = (changes: Changes, tools: Tools): Promise<void> =>
  seedOnce(changes, 'files_seeded', async (trx) => {
    for (const service of SERVICES) await seedService(service, trx, tools);
  });
