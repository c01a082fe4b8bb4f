// Leaves its pid in a folder, and ends as keepers do; one that is deaf does not.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.FAKE_FOLDER;
const isDeaf = existsSync(join(folder, 'deaf'));
const end = (how) => {
  if (isDeaf) return;
  writeFileSync(join(folder, `${how}-${process.pid}`), '');
  process.exit(0);
};
process.on('SIGTERM', () => end('drained'));
process.on('message', ({ close }) => close && end('closed'));
process.once('disconnect', () => process.exit(0));
writeFileSync(join(folder, `pid-${process.pid}`), '');
