/** What lookups stand for (system-api §8): in settings for the whole installation, in e-mails for whoever sends them. */
import { type SqlBool, sql } from 'kysely';
import type { SystemConfig } from '../config.ts';
import type { Db } from '../database/open.ts';
import { PRODUCT_VERSION } from '../environment.ts';
import type { Secrets } from '../secrets.ts';

/** For settings, private ones included: a private lookup outranks a public one. */
export async function systemLookups(db: Db, secrets: Secrets): Promise<Map<string, string>> {
  const rows = await db
    .selectFrom('lookup')
    .selectAll()
    .where('user_id', 'is', null)
    .where('role_id', 'is', null)
    .where('app_id', 'is', null)
    .orderBy('private')
    .execute();
  return new Map(
    rows.map(({ name, value, private: isPrivate }) => {
      if (value === null) return [name, ''];
      return [name, isPrivate === 1 ? secrets.open(value) : value];
    }),
  );
}

/** 0: nobody, none. */
export interface LookupCaller {
  readonly userId: number;
  readonly roleId: number;
  readonly appId: number;
}

/** Public ones: of the installation, the app, the role, the user, the later outranking the earlier; built-in ones first. */
export async function callerLookups(
  db: Db,
  caller: LookupCaller,
  config: Pick<SystemConfig, 'publicUrl' | 'instanceName'>,
): Promise<Map<string, string>> {
  const owners = { user_id: caller.userId, role_id: caller.roleId, app_id: caller.appId };
  const own = Object.entries(owners).map(
    ([column, id]) => sql<SqlBool>`(${sql.ref(column)} is null or ${sql.ref(column)} = ${id})`,
  );
  const rows = await db
    .selectFrom('lookup')
    .selectAll()
    .where('private', '=', 0)
    .where((eb) => eb.and(own))
    .execute();
  const rank = (row: (typeof rows)[number]): number =>
    row.user_id !== null ? 3 : row.role_id !== null ? 2 : row.app_id !== null ? 1 : 0;
  const defined = rows.toSorted((a, b) => rank(a) - rank(b)).map(({ name, value }) => [name, value ?? ''] as const);
  return new Map([...defined, ...(await builtIn(db, caller, config))]);
}

async function builtIn(
  db: Db,
  { userId, roleId, appId }: LookupCaller,
  { publicUrl, instanceName }: Pick<SystemConfig, 'publicUrl' | 'instanceName'>,
): Promise<[string, string][]> {
  const found: [string, unknown][] = [
    ['df.host_url', publicUrl],
    ['df.name', instanceName],
    ['df.version', PRODUCT_VERSION],
  ];
  if (appId !== 0) found.push(['app.id', appId]);
  if (roleId !== 0) {
    const role = await db.selectFrom('role').select('name').where('id', '=', roleId).executeTakeFirst();
    found.push(['role.id', roleId], ['role.name', role?.name]);
  }
  if (userId !== 0) {
    const user = await db.selectFrom('user').selectAll().where('id', '=', userId).executeTakeFirst();
    found.push(
      ['user.id', userId],
      ['user.name', user?.name],
      ['user.display_name', user?.name],
      ['user.username', user?.username],
      ['user.first_name', user?.first_name],
      ['user.last_name', user?.last_name],
      ['user.email', user?.email],
      ['user.last_login_date', user?.last_login_date],
    );
  }
  return found.map(([name, value]) => [name, String(value ?? '')]);
}
