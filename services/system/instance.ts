/** What an installation keeps about itself: its id, and the secrets that sign its tokens. */
import { randomBytes, randomUUID } from 'node:crypto';
import { isUniqueViolation } from './database/errors.ts';
import type { Db } from './database/open.ts';
import type { Secrets } from './secrets.ts';

export interface Instance {
  readonly id: string;
  /** Newest first. */
  readonly tokenSecrets: readonly Uint8Array[];
}

/** Made at the first start. @throws MillraceError internal where the encryption key is not the one of this database */
export async function loadInstance(db: Db, secrets: Secrets): Promise<Instance> {
  const id = await settingOr(db, 'instance_id', () => randomUUID());
  const sealed = await settingOr(db, 'token_secrets', () =>
    secrets.seal(JSON.stringify([randomBytes(32).toString('base64')])),
  );
  const tokenSecrets = (JSON.parse(secrets.open(sealed)) as string[]).map((text) => Buffer.from(text, 'base64'));
  return { id, tokenSecrets };
}

/** The stored value; where there is none, a new one, or that of a process that was faster. */
async function settingOr(db: Db, name: string, make: () => string): Promise<string> {
  const read = () => db.selectFrom('setting').select('value').where('name', '=', name).executeTakeFirst();
  const stored = await read();
  if (stored) return stored.value;
  const value = make();
  try {
    await db.insertInto('setting').values({ name, value }).execute();
    return value;
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    return (await read())!.value;
  }
}
