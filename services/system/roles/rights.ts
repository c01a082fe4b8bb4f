/** Nobody hands out a right that he does not hold: system records give rights, so whoever may write them is bounded. */
import { MillraceError } from '#common/errors.ts';
import type { Context } from '../records/model.ts';

const ALL_VERBS = 31;
const ALL_REQUESTORS = 3;

/** Assigning a role to an app or a user. @throws MillraceError denied */
export async function assertMayGive(roleId: unknown, context: Context): Promise<void> {
  const { caller } = context;
  if (caller.isAdmin || roleId === null || roleId === undefined || roleId === caller.roleId) return;
  if (await holdsEverything(context)) return;
  throw new MillraceError('denied', 'Only a role that you hold yourself can be assigned.');
}

/** Changing what gives rights to others. @throws MillraceError denied */
export async function assertMayShape(context: Context, what = 'what a role allows'): Promise<void> {
  if (context.caller.isAdmin || (await holdsEverything(context))) return;
  throw new MillraceError('denied', `Only an administrator can change ${what}.`);
}

/** A role that allows all of every service, and restricts nothing. */
async function holdsEverything({ db, caller }: Context): Promise<boolean> {
  if (!caller.roleId) return false;
  const rows = await db.selectFrom('role_service_access').selectAll().where('role_id', '=', caller.roleId).execute();
  const isFull = (mask: number, all: number): boolean => (mask & all) === all;
  return (
    rows.some((row) => row.service_id === null && row.component === '*') &&
    rows.every((row) => isFull(row.verb_mask, ALL_VERBS) && isFull(row.requestor_mask, ALL_REQUESTORS) && !row.filters)
  );
}

/**
 * An administrator who is assigned a role is bound by it; taking the assignment away would free him.
 *
 * @param column user_id, role_id or app_id of the assignments that would change
 * @throws MillraceError denied
 */
export async function assertFreesNoAdmin(
  column: 'user_id' | 'role_id' | 'app_id',
  id: unknown,
  { db, caller }: Context,
): Promise<void> {
  if (caller.isAdmin) return;
  const bound = await db
    .selectFrom('user_to_app_to_role')
    .innerJoin('user', 'user.id', 'user_to_app_to_role.user_id')
    .select('user.id')
    .where(`user_to_app_to_role.${column}`, '=', Number(id))
    .where('user.is_sys_admin', '=', 1)
    .executeTakeFirst();
  if (bound) throw new MillraceError('denied', 'Only an administrator can change what binds an administrator.');
}
