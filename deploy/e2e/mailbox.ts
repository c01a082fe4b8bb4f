/** The e-mails that an installation has written into its data folder, as the suites read them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './process.ts';

/** The oldest first. */
export function mailsTo(dataFolder: string, address: string): string[] {
  const folder = join(dataFolder, 'mail');
  return filesIn(folder)
    .filter((file) => file.endsWith('.eml'))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .filter((mail) => /^To: (.*)$/m.exec(mail)?.[1]?.includes(address));
}

/** @param count  so many e-mails have come by then; the last one counts */
export function codeTo(dataFolder: string, address: string, count = 1): Promise<string> {
  return until(`e-mail ${count} to ${address}`, async () => {
    const mails = mailsTo(dataFolder, address);
    return mails.length >= count && /^([0-9A-Z]{32})\r?$/m.exec(mails.at(-1) ?? '')?.[1];
  });
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // no e-mail yet
    throw error;
  }
}
