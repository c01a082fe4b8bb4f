/** What holds for users and administrators (system-api §3.9, §5.4). */
import { invalid, MillraceError } from '#common/errors.ts';
import type { Context, JsonObject, Row, Rules, Values, Write } from '../records/model.ts';
import { assertFreesNoAdmin, assertMayGive } from '../roles/rights.ts';
import { nowSeconds } from '../tokens.ts';

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
    await assertMayTakeOver(values, write);
    prepareNames(values, write);
    await prepareSecrets(values, write);
    const { current } = write;
    if (current && (values['password_hash'] !== undefined || values['is_active'] === 0)) {
      // Ahead of every token so far: of this very second, and of those issued behind an earlier change in it.
      values['tokens_valid_from'] = Math.max(nowSeconds(), Number(current['tokens_valid_from'])) + 1;
    }
  },
  beforeDelete: (row, { caller }) => {
    if (row['id'] === caller.userId) throw new MillraceError('denied', 'Cannot delete your account.');
  },
};

export const USER_RULES: Rules = {
  ...COMMON,
  outOfScope: () => new MillraceError('denied', 'Not allowed to change an admin user.'),
};

export const ADMIN_RULES: Rules = {
  ...COMMON,
  prepare: async (values, write) => {
    assertAdmin(write.context);
    await COMMON.prepare?.(values, write);
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

function prepareNames(values: Values, { current, context, faults }: Write): void {
  const { email } = values;
  if (typeof email === 'string' && email !== '' && !EMAIL.test(email)) {
    faults.add('email', 'The email field must be a valid email address.');
  }
  if (!current) values['name'] ||= fullName(values);
  const byEmail = context.tools.config.loginAttribute === 'email';
  if ((!current || 'username' in values) && !values['username']) {
    if (byEmail) values['username'] = email ?? current?.['email'];
    else faults.add('username', 'The username field is required.');
  }
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
    if (password.length < config.passwordLengthMin) {
      faults.add('password', `The password field must be at least ${config.passwordLengthMin} characters.`);
    } else values['password_hash'] = await passwords.hash(password);
  }
  const answer = values['security_answer'];
  if (typeof answer === 'string') values['security_answer_hash'] = await passwords.hash(answer);
}

/** A code that was sent and not used yet. */
export const isConfirmed = ({ confirm_code: code }: Row): boolean => code === null || code === 'y';
