/** Secrets at rest: AES-256-GCM, with a version in front so that a later scheme can read what this one wrote. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { access, link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '#common/errors.ts';

const PREFIX = 'v1:';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What every secret looks like when it is read; written back, it means "leave unchanged". */
export const MASK = '**********';

export class Secrets {
  readonly #key: Uint8Array;
  readonly #digestKey: Uint8Array;

  /** @param key 32 bytes */
  constructor(key: Uint8Array) {
    this.#key = key;
    this.#digestKey = new Uint8Array(hkdfSync('sha256', key, '', 'millrace digest', KEY_BYTES));
  }

  /** For long random texts that only have to be known again: 64 hexadecimal digits that nobody makes without the key. */
  digest(text: string): string {
    return createHmac('sha256', this.#digestKey).update(text).digest('hex');
  }

  seal(text: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return PREFIX + Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
  }

  /** @throws MillraceError internal where the key is another one or the text was changed */
  open(sealed: string): string {
    try {
      if (!sealed.startsWith(PREFIX)) throw new Error('unknown version');
      const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64');
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)).toString('utf8') + decipher.final('utf8');
    } catch (cause) {
      throw new MillraceError('internal', 'A stored secret cannot be read with this encryption key.', undefined, cause);
    }
  }
}

/** The key of the data folder, made at the first start; only its owner may read it. */
export async function keyOfFolder(dataDir: string): Promise<Uint8Array> {
  const path = join(dataDir, 'encryption.key');
  await mkdir(dataDir, { recursive: true });
  if (!(await exists(path))) await makeKey(path);
  const key = Buffer.from((await readFile(path, 'utf8')).trim(), 'base64');
  if (key.length !== KEY_BYTES) throw new MillraceError('invalid', 'encryption.key in the data folder is damaged.');
  return key;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Whole or not at all, and never over one that another process has made meanwhile. */
async function makeKey(path: string): Promise<void> {
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  await writeFile(draft, `${randomBytes(KEY_BYTES).toString('base64')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
}
