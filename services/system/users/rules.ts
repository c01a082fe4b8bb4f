/** What holds for users and administrators (system-api §3.9, §5.4). */
import { invalid, MillraceError } from '#common/errors.ts';
import type { SystemConfig } from '../config.ts';
import type { Faults } from '../records/faults.ts';
import type { Context, JsonObject, Row, Rules, Values, Write } from '../records/model.ts';
import { assertFreesNoAdmin, assertMayGive } from '../roles/rights.ts';
import { nowSeconds } from '../tokens.ts';
import { NO_CODE, newCode } from './account/codes.ts';
import { inviteFailed, type Person } from './account/mails.ts';

const EMAIL = /^[^\s@]+@[^\s@]+$/;
const USERNAME_LENGTH_MIN = 6;
/** Whoever can write these can sign in as the user. */
const CREDENTIALS = ['password', 'email', 'username', 'security_question', 'security_answer'];
const WORDS: ReadonlyMap<unknown, unknown> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

const COMMON: Rules = {
  tidy: (input, current) => (current ? input : withoutEmpty(input)),
  prepare: async (values, write) => {
    const { current, context, faults } = write;
    await assertMayTakeOver(values, write);
    prepareNames(values, current, context.tools.config, faults);
    await prepareSecrets(values, write);
    if (!current) return;
    const endsSessions = values['password_hash'] !== undefined || values['is_active'] === 0;
    if (endsSessions) values['tokens_valid_from'] = endOfSessions(current);
    // A code went to the address of then, to be used with the password of then.
    if (endsSessions || ('email' in values && values['email'] !== current['email'])) Object.assign(values, NO_CODE);
  },
  beforeDelete: (row, { caller }) => {
    if (row['id'] === caller.userId) throw new MillraceError('denied', 'Cannot delete your account.');
  },
};

/** For what people change about themselves. */
export const OWN_RULES: Rules = {
  ...COMMON,
  prepare: async (values, write) => {
    await COMMON.prepare?.(values, write);
    const fault = usernameFault(values['username'], values['email'] ?? write.current?.['email']);
    if (fault) write.faults.add('username', fault);
  },
};

export const USER_RULES: Rules = {
  ...COMMON,
  prepare: async (values, write) => {
    await COMMON.prepare?.(values, write);
    prepareInvitation(values, write, false);
  },
  outOfScope: () => new MillraceError('denied', 'Not allowed to change an admin user.'),
};

export const ADMIN_RULES: Rules = {
  ...COMMON,
  prepare: async (values, write) => {
    assertAdmin(write.context);
    await COMMON.prepare?.(values, write);
    prepareInvitation(values, write, true);
  },
  beforeDelete: async (row, context) => {
    assertAdmin(context);
    await COMMON.beforeDelete?.(row, context);
  },
  outOfScope: () => invalid('Cannot update a non-admin user.'),
};

export const ASSIGNMENT_RULES: Rules = {
  prepare: async (values, { current, context }) => {
    await assertMayGive(values['role_id'] ?? current?.['role_id'], context);
    await assertFreesNoAdmin('user_id', current?.['user_id'] ?? values['user_id'], context);
    const user = Number(values['user_id'] ?? current?.['user_id']);
    const app = Number(values['app_id'] ?? current?.['app_id']);
    const others = await context.db
      .selectFrom('user_to_app_to_role')
      .select('id')
      .where('user_id', '=', user)
      .where('app_id', '=', app)
      .execute();
    if (others.some(({ id }) => id !== current?.['id'])) {
      throw invalid('Multiple user-to-app-to-role assignment. A user has one role for each app.');
    }
  },
  beforeDelete: (row, context) => assertFreesNoAdmin('user_id', row['user_id'], context),
};

function assertAdmin({ caller }: Context): void {
  if (!caller.isAdmin) throw new MillraceError('denied', 'Only an administrator can change administrators.');
}

/** Clients send forms with every field; a new user takes only what is filled in. */
function withoutEmpty(input: JsonObject): JsonObject {
  const entries = Object.entries(input).map(([name, value]): [string, unknown] => [
    name,
    WORDS.has(value) ? WORDS.get(value) : value,
  ]);
  return Object.fromEntries(entries.filter(([, value]) => !isEmpty(value)));
}

const isEmpty = (value: unknown): boolean => !value || value === '0' || (Array.isArray(value) && value.length === 0);

async function assertMayTakeOver(values: Values, { current, context }: Write): Promise<void> {
  if (!current || context.caller.isAdmin || current['id'] === context.caller.userId) return;
  if (!CREDENTIALS.some((field) => field in values)) return;
  const id = Number(current['id']);
  const assigned = await context.db
    .selectFrom('user_to_app_to_role')
    .select('role_id')
    .where('user_id', '=', id)
    .execute();
  for (const assignment of assigned) await assertMayGive(assignment.role_id, context);
}

/** Ahead of every token so far: of this very second, and of those issued behind an earlier change in it. */
export const endOfSessions = (current: Row): number => Math.max(nowSeconds(), Number(current['tokens_valid_from'])) + 1;

function prepareInvitation(values: Values, { current, context }: Write, isAdmin: boolean): void {
  if (values['send_invite'] !== 1) return;
  const { config, secrets, mails } = context.tools;
  const code = newCode(secrets, config.confirmTtlSeconds);
  Object.assign(values, code.stored, { is_confirmed: 0 });
  const person = { username: null, first_name: null, last_name: null, phone: null, ...current, ...values };
  context.afterwards.push(() =>
    mails.send('invite', isAdmin, person as unknown as Person, code.text).catch((error: unknown) => {
      throw inviteFailed(error);
    }),
  );
}

/** Completes names, and says what is wrong with them. */
export function prepareNames(values: Values, current: Row | undefined, config: SystemConfig, faults: Faults): void {
  const { email } = values;
  if (typeof email === 'string' && email !== '' && !EMAIL.test(email)) {
    faults.add('email', 'The email field must be a valid email address.');
  }
  if (!current) values['name'] ||= fullName(values);
  const byEmail = config.loginAttribute === 'email';
  if ((!current || 'username' in values) && !values['username']) {
    if (byEmail) values['username'] = email ?? current?.['email'];
    else faults.add('username', 'The username field is required.');
  }
  // An address that stood for a user name is free for whoever has it next.
  const followsEmail = current !== undefined && current['username'] === current['email'] && !('username' in values);
  if (followsEmail && email !== undefined) values['username'] = email;
  const { username } = values;
  if (typeof username !== 'string' || username === current?.['username']) return;
  if (username.length < USERNAME_LENGTH_MIN) {
    faults.add('username', `The username field must be at least ${USERNAME_LENGTH_MIN} characters.`);
  }
  if (/\s/.test(username)) faults.add('username', 'The username field must not hold blanks.');
}

function fullName(values: Values): string {
  const names = [values['first_name'], values['last_name']].filter((name) => typeof name === 'string' && name !== '');
  return names.join(' ') || String(values['email'] ?? '').split('@')[0]!;
}

async function prepareSecrets(values: Values, { context, faults }: Write): Promise<void> {
  const { passwords, config } = context.tools;
  const password = values['password'];
  if (typeof password === 'string') {
    const fault = passwordFault(password, config);
    if (fault) faults.add('password', fault);
    else values['password_hash'] = await passwords.hash(password);
  }
  const answer = values['security_answer'];
  if (typeof answer === 'string') values['security_answer_hash'] = await passwords.hash(answer);
}

/** Whoever takes the address of another for a name keeps him from ever having it. */
export function usernameFault(username: unknown, email: unknown): string | undefined {
  if (typeof username !== 'string' || !username.includes('@')) return undefined;
  if (typeof email === 'string' && username.toLowerCase() === email.toLowerCase()) return undefined;
  return 'The username field must not be an email address of another.';
}

/** What is wrong with a new password. */
export function passwordFault(password: string, { passwordLengthMin }: SystemConfig): string | undefined {
  if (password.length >= passwordLengthMin) return undefined;
  return `The password field must be at least ${passwordLengthMin} characters.`;
}
