/**
 * Accounts that people make for themselves (system-api §3.6). Whether an address has an account already is told to
 * nobody: the answer and the work are the same, and what is sent goes to the owner of the address.
 */
import { create } from '@bufbuild/protobuf';
import { MillraceError } from '#common/errors.ts';
import { CallerSchema } from '#proto/data/v1/data_pb.ts';
import { LoginRequestSchema, type RegisterRequest, UserKind } from '#proto/system/v1/system_pb.ts';
import { type Changes, dirtyKinds } from '../../changes.ts';
import type { SystemConfig } from '../../config.ts';
import type { Db } from '../../database/open.ts';
import { isAddress } from '../../email/addresses.ts';
import { Faults, spoken } from '../../records/faults.ts';
import { readInput } from '../../records/input.ts';
import type { JsonObject, Model, Rules, Tools, Values } from '../../records/model.ts';
import { timestamp } from '../../records/timestamp.ts';
import { createRecord } from '../../records/write.ts';
import { ownSettings } from '../../services/rules.ts';
import type { Sessions, User } from '../../sessions.ts';
import { networkOf, REGISTRATIONS, Throttle } from '../../throttle.ts';
import { USER } from '../model.ts';
import { passwordFault, prepareNames, usernameFault } from '../rules.ts';
import { findUser, userById } from './finder.ts';
import { choose, type Done, readObject } from './input.ts';
import type { PasswordChanges } from './password.ts';

/** Before the address is known to be his own nobody says how else the account opens: it could be another's. */
const CONFIRMED_FIELDS = ['email', 'first_name', 'last_name', 'name', 'username', 'phone'];
const FIELDS = [...CONFIRMED_FIELDS, 'security_question', 'security_answer'];
/** Looked at elsewhere, or sent by programs of the original without effect. */
const KNOWN = [
  ...['password', 'new_password', 'password_confirmation', 'new_password_confirmation'],
  ...['display_name', 'code', 'session_token', 'api_key'],
];

/** Rows of one statement: engines bound its parameters. */
const ROWS_AT_ONCE = 500;

interface Wanted {
  /** Without password and answer. */
  readonly record: JsonObject;
  readonly email: string;
  readonly username: string;
  readonly password: string;
  readonly securityAnswer: string | undefined;
}

export class Registrations {
  readonly #changes: Changes;
  readonly #tools: Tools;
  readonly #sessions: Sessions;
  readonly #passwords: PasswordChanges;
  readonly #throttle = new Throttle(REGISTRATIONS);

  constructor(changes: Changes, tools: Tools, sessions: Sessions, passwords: PasswordChanges) {
    this.#changes = changes;
    this.#tools = tools;
    this.#sessions = sessions;
    this.#passwords = passwords;
  }

  /** @throws MillraceError */
  async register({ recordJson, login, clientAddress }: RegisterRequest): Promise<Done> {
    const settings = await ownSettings('user', this.#changes.db, this.#tools.secrets);
    const confirms = typeof settings['open_reg_email_service_id'] === 'number';
    const sent = readObject(recordJson);
    const { record, dropped } = choose(sent, confirms ? CONFIRMED_FIELDS : FIELDS, KNOWN);
    const wanted = this.#check(record, confirms ? undefined : sent);
    if (settings['allow_open_registration'] !== true) {
      throw new MillraceError('denied', 'Open Registration is not enabled.');
    }
    this.#throttle.attempt(networkOf(clientAddress));
    if (confirms) {
      await this.#withConfirmation(wanted, settings);
      return { json: { success: true, ...(login && { confirmation_required: true }) }, dropped };
    }
    await this.#atOnce(wanted, settings);
    const token = login ? { session_token: await this.#signIn(wanted, clientAddress) } : {};
    return { json: { success: true, ...token }, dropped };
  }

  /**
   * @param passwords  what was sent; undefined: the password comes with the confirmation
   * @throws MillraceError invalid, the same whether or not the address has an account
   */
  #check(record: JsonObject, passwords: JsonObject | undefined): Wanted {
    const { config } = this.#tools;
    const faults = new Faults();
    const password = passwords?.['new_password'] ?? passwords?.['password'];
    const given = passwords ? { ...record, password: password ?? null } : record;
    const { values } = readInput(USER, given, faults, new Set());
    const email = String(values['email'] ?? '');
    if (email === '') faults.add('email', 'The email field is required.');
    else if (!isAddress(email)) faults.add('email', 'The email field must be a valid email address.');
    completeNames(values);
    for (const name of ['first_name', 'last_name']) {
      if (!values[name]) faults.add(name, `The ${spoken(name)} field is required.`);
    }
    prepareNames(values, undefined, config, faults);
    const taken = usernameFault(values['username'], email);
    if (taken) faults.add('username', taken);
    if (passwords) checkPassword(values['password'], passwords, config, faults);
    faults.check('Validation failed');
    const { password: chosen, security_answer: answer, ...rest } = values;
    return {
      record: rest,
      email,
      username: String(rest['username']),
      password: String(chosen ?? ''),
      securityAnswer: typeof answer === 'string' && answer !== '' ? answer : undefined,
    };
  }

  /** The password comes back with the code: until then nobody can sign in. */
  async #withConfirmation(wanted: Wanted, settings: JsonObject): Promise<void> {
    const { confirmTtlSeconds, resetTtlSeconds } = this.#tools.config;
    await this.#tools.mails.setup('registration', false);
    const known = await findUser(this.#changes.db, 'email', wanted.email);
    const user = known ?? (await this.#create(wanted, settings, { is_confirmed: 0 }));
    if (!user) return;
    try {
      const ttl = user.is_confirmed === 1 ? resetTtlSeconds : confirmTtlSeconds;
      await this.#passwords.sendCode(user, 'registration', ttl);
    } catch (thrown) {
      if (!known) {
        await this.#changes.commit(dirtyKinds('users'), (trx) =>
          trx.deleteFrom('user').where('id', '=', user.id).execute(),
        );
      }
      throw new MillraceError('unavailable', 'The confirmation could not be sent.', undefined, thrown);
    }
  }

  async #atOnce(wanted: Wanted, settings: JsonObject): Promise<void> {
    const { passwords } = this.#tools;
    // Ahead of the transaction, in which others would wait for it; and whether or not there will be one.
    const hash = await passwords.hash(wanted.password);
    const answer = wanted.securityAnswer === undefined ? null : await passwords.hash(wanted.securityAnswer);
    const known = await findUser(this.#changes.db, 'email', wanted.email);
    if (known) await this.#changes.commit(dirtyKinds(), async () => {});
    else await this.#create(wanted, settings, { password_hash: hash, security_answer_hash: answer });
  }

  /** As anybody else would: whose address it was before is not told, and does not get in with another password. */
  async #signIn({ email, username, password }: Wanted, clientAddress: string): Promise<unknown> {
    const request = create(LoginRequestSchema, { kind: UserKind.USER, email, username, password, clientAddress });
    return (await this.#sessions.login(request))['session_token'];
  }

  /** @returns undefined where somebody else has just got the address */
  async #create(wanted: Wanted, settings: JsonObject, values: Values): Promise<User | undefined> {
    const { db } = this.#changes;
    // A name that is taken is not told either: the address stands in for it.
    const isTaken = (await findUser(db, 'username', wanted.username)) !== undefined;
    const record = { ...wanted.record, username: isTaken ? wanted.email : wanted.username };
    try {
      const id = await this.#changes.commit(dirtyKinds('users'), async (trx) => {
        const own = { db: trx, caller: create(CallerSchema), requestId: null, dropped: new Set<string>() };
        const context = { ...own, tools: this.#tools, afterwards: [] };
        const key = await createRecord(withValues(values), record, context);
        await giveRoles(trx, Number(key), settings);
        return Number(key);
      });
      return await userById(db, id);
    } catch (error) {
      if (await findUser(db, 'email', wanted.email)) return undefined;
      throw error;
    }
  }
}

/** A user with values that the rules know nothing of. */
function withValues(more: Values): Model {
  const prepare: Rules['prepare'] = async (values, write) => {
    await USER.rules.prepare?.(values, write);
    Object.assign(values, more);
  };
  return { ...USER, rules: { ...USER.rules, prepare } };
}

/** Out of the address, as far as nothing is given: ada.lovelace@example.com is Ada Lovelace in small letters. */
function completeNames(values: Values): void {
  const first = String(values['first_name'] || String(values['email'] ?? '').split('@')[0]);
  const [before = '', after = ''] = [first.split('.', 1)[0], first.slice(first.indexOf('.') + 1)];
  const hasTwo = !values['last_name'] && first.includes('.') && before !== '' && after !== '';
  values['first_name'] = hasTwo ? before : first;
  values['last_name'] ||= hasTwo ? after : first;
}

function checkPassword(password: unknown, sent: JsonObject, config: SystemConfig, faults: Faults): void {
  if (typeof password !== 'string' || password === '') {
    faults.add('password', 'The password field is required.');
    return;
  }
  const fault = passwordFault(password, config);
  if (fault) faults.add('password', fault);
  const confirmation = sent['password_confirmation'] ?? sent['new_password_confirmation'] ?? password;
  if (confirmation !== password) faults.add('password', 'The password field confirmation does not match.');
}

/** One role for every app that there is, another for those that the service names. */
async function giveRoles(db: Db, userId: number, settings: JsonObject): Promise<void> {
  const named = Array.isArray(settings['app_role_map']) ? (settings['app_role_map'] as JsonObject[]) : [];
  const byApp = new Map(named.map((row) => [Number(row?.['app_id']), Number(row?.['role_id'])]));
  const everywhere = settings['open_reg_role_id'];
  if (byApp.size === 0 && typeof everywhere !== 'number') return;
  const apps = await db.selectFrom('app').select('id').execute();
  const roles = new Set((await db.selectFrom('role').select('id').execute()).map(({ id }) => id));
  const now = timestamp();
  const trace = { created_date: now, last_modified_date: now, created_by_id: null, last_modified_by_id: null };
  const rows = apps.flatMap(({ id }) => {
    const roleId = byApp.get(id) ?? Number(everywhere);
    return roles.has(roleId) ? [{ user_id: userId, app_id: id, role_id: roleId, ...trace }] : [];
  });
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
    const some = rows.slice(at, at + ROWS_AT_ONCE);
    await db.insertInto('user_to_app_to_role').values(some).execute();
  }
}
