/** Finds the account that somebody means, and tells nobody whether there is one. */
import { invalid } from '#common/errors.ts';
import type { UserKind } from '#proto/system/v1/system_pb.ts';
import type { SystemConfig } from '../../config.ts';
import type { Db } from '../../database/open.ts';
import { isOfKind, type User } from '../../sessions.ts';

/** What was typed. */
export interface Identity {
  readonly attribute: 'email' | 'username';
  readonly text: string;
}

/** The name that people sign in by; an address does where names are the rule, as it stands in every e-mail. */
export function identityOf(
  { email, username }: { readonly email: string; readonly username: string },
  { loginAttribute }: Pick<SystemConfig, 'loginAttribute'>,
): Identity {
  if (loginAttribute === 'username' && username !== '') return { attribute: 'username', text: username };
  if (email !== '') return { attribute: 'email', text: email };
  throw invalid(`Missing required ${loginAttribute} for the account.`, { field: loginAttribute });
}

/** One that may be used. */
export async function findActive(db: Db, { attribute, text }: Identity, kind: UserKind): Promise<User | undefined> {
  const user = await findUser(db, attribute, text);
  return user && user.is_active === 1 && isOfKind(user, kind) ? user : undefined;
}

export async function findUser(db: Db, attribute: 'email' | 'username', text: string): Promise<User | undefined> {
  // PostgreSQL takes no NUL, and nobody has one.
  if (text.includes('\0')) return undefined;
  return db
    .selectFrom('user')
    .selectAll()
    .where((eb) => eb(eb.fn<string>('lower', [attribute]), '=', text.toLowerCase()))
    .orderBy('id')
    .executeTakeFirst();
}

export const userById = (db: Db, id: number): Promise<User | undefined> =>
  db.selectFrom('user').selectAll().where('id', '=', id).executeTakeFirst();
