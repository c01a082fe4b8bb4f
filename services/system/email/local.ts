/** Writes e-mails as .eml files, for whoever looks after the installation, and for tests. They leave the machine by nothing. */
import { randomBytes } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import MailComposer from 'nodemailer/lib/mail-composer';
import { MillraceError } from '#common/errors.ts';
import { recipients, type Transport, toMail } from './transport.ts';

/** @param folder  made where it is not there; its owner alone may read it, as e-mails hold codes */
export function localTransport(folder: string): Transport {
  return {
    send: async (message) => {
      const node = new MailComposer({ ...toMail(message), newline: 'windows' }).compile();
      // Nothing else tells to whom it would have gone.
      node.keepBcc = true;
      await store(folder, await node.build());
      return { accepted: recipients(message).length, rejected: [] };
    },
    close: () => {},
  };
}

/** Orders those of one millisecond. */
let written = 0;

/** Under its last name only when it is whole. */
async function store(folder: string, bytes: Buffer): Promise<void> {
  written += 1;
  const order = `${new Date().toISOString().replaceAll(':', '-')}-${String(written).padStart(9, '0')}`;
  const name = `${order}-${randomBytes(4).toString('hex')}`;
  const draft = join(folder, `.${name}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(draft, bytes, { mode: 0o600, flag: 'wx', flush: true });
    await rename(draft, join(folder, `${name}.eml`));
  } catch (cause) {
    throw new MillraceError('unavailable', 'The e-mail could not be stored.', undefined, cause);
  }
}
