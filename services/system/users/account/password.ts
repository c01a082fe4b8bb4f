/** The ways to a new password (system-api §3.5). None of them tells whether an account exists. */
import { setTimeout as delay } from 'node:timers/promises';
import { PASSWORD_LENGTH_MAX } from '#common/bounds.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import type { Logger } from '#common/observe/log.ts';
import { type PasswordRequest, UserKind } from '#proto/system/v1/system_pb.ts';
import { type Changes, dirtyUser } from '../../changes.ts';
import type { JsonObject, Tools } from '../../records/model.ts';
import { ownSettings } from '../../services/rules.ts';
import { noSession, type Sessions, type User } from '../../sessions.ts';
import { ANSWERS, attemptKey, GUESSES, MAILS, Throttle } from '../../throttle.ts';
import { endOfSessions, passwordFault } from '../rules.ts';
import { isCode, looksLikeCode, NO_CODE, newCode } from './codes.ts';
import { findActive, type Identity, identityOf, userById } from './finder.ts';

/** From an answer to what is done behind it. */
const BEHIND_MS = 100;

/** What must still be so when the new password is written: a code is used once, however many send it at a time. */
type Guard = Partial<Pick<User, 'confirm_code' | 'password_hash' | 'security_answer_hash'>>;

export class PasswordChanges {
  readonly #changes: Changes;
  readonly #tools: Tools;
  readonly #sessions: Sessions;
  readonly #log: Logger;
  readonly #guesses = new Throttle(GUESSES);
  readonly #answers = new Throttle(ANSWERS);
  readonly #mails = new Throttle(MAILS);
  /** Of each account to which a code is being sent. */
  readonly #turns = new Map<number, Promise<void>>();
  readonly #sending = new Set<Promise<void>>();

  constructor(changes: Changes, tools: Tools, sessions: Sessions, log: Logger) {
    this.#changes = changes;
    this.#tools = tools;
    this.#sessions = sessions;
    this.#log = log;
  }

  /** @throws MillraceError */
  async change(request: PasswordRequest): Promise<JsonObject> {
    if (request.userId !== 0 && request.oldPassword !== '') return this.#byOldPassword(request);
    if (request.reset) return this.#startReset(request);
    if (request.code !== '') return this.#byCode(request);
    if (request.securityAnswer !== '') return this.#byAnswer(request);
    throw invalid('Not enough information provided to change password.');
  }

  /**
   * A code for an account, sent unless there were several of late: the last one that was sent is good then. One after
   * the other, so that the last e-mail holds the last code.
   */
  sendCode(user: User, purpose: 'registration' | 'reset', ttlSeconds: number): Promise<void> {
    const before = this.#turns.get(user.id) ?? Promise.resolve();
    const turn = before
      .catch(() => {})
      .then(() => this.#sendCode(user, purpose, ttlSeconds))
      .finally(() => {
        if (this.#turns.get(user.id) === turn) this.#turns.delete(user.id);
      });
    this.#turns.set(user.id, turn);
    return turn;
  }

  async #sendCode({ id }: User, purpose: 'registration' | 'reset', ttlSeconds: number): Promise<void> {
    if (!this.#mails.mayGoOn(String(id))) return;
    const user = await userById(this.#changes.db, id);
    if (!user) return;
    const code = newCode(this.#tools.secrets, ttlSeconds);
    await this.#store(id, code.stored, user.confirm_code);
    try {
      const isAdmin = purpose === 'reset' && user.is_sys_admin === 1;
      await this.#tools.mails.send(purpose, isAdmin, user, code.text);
    } catch (error) {
      // The one before, which the owner has got, is good again.
      const { confirm_code, code_expires_at } = user;
      await this.#store(id, { confirm_code, code_expires_at }, code.stored.confirm_code);
      throw error;
    }
  }

  /** @param before  left alone where it is another by now */
  async #store(id: number, code: Pick<User, 'confirm_code' | 'code_expires_at'>, before: string | null): Promise<void> {
    await this.#changes.commit(dirtyUser(id), (trx) => {
      const update = trx.updateTable('user').set(code).where('id', '=', id);
      return update.where((eb) => eb.and({ confirm_code: before })).execute();
    });
  }

  /** Resolves when what goes on behind answers has ended. */
  async settled(): Promise<void> {
    while (this.#sending.size > 0) await Promise.all(this.#sending);
  }

  async #byOldPassword(request: PasswordRequest): Promise<JsonObject> {
    requirePassword(request.newPassword, this.#tools);
    const user = await userById(this.#changes.db, request.userId);
    if (!user) throw noSession();
    const key = attemptKey(user.email, request.clientAddress);
    this.#guesses.attempt(key);
    if (!(await this.#tools.passwords.verify(request.oldPassword, user.password_hash))) {
      throw invalid('The password supplied does not match.');
    }
    this.#guesses.succeeded(key);
    return this.#write(user, request, { password_hash: user.password_hash });
  }

  /**
   * Answers before it is known whether there is such an account: what is done for one that there is, is done behind
   * the answer.
   */
  async #startReset(request: PasswordRequest): Promise<JsonObject> {
    const { db } = this.#changes;
    const identity = identityOf(request, this.#tools.config);
    this.#guesses.attempt(`reset ${attemptKey(identity.text, request.clientAddress)}`);
    const isAdmin = request.kind === UserKind.ADMIN;
    const settings = await ownSettings(isAdmin ? 'system' : 'user', db, this.#tools.secrets);
    const user = await findActive(db, identity, request.kind);
    if (settings['show_security_question'] === true && user?.security_question && user.security_answer_hash) {
      return { security_question: user.security_question };
    }
    await this.#tools.mails.setup('reset', isAdmin);
    if (user) this.#behind(() => this.sendCode(user, 'reset', this.#tools.config.resetTtlSeconds));
    return { success: true };
  }

  async #byCode(request: PasswordRequest): Promise<JsonObject> {
    const { secrets, config } = this.#tools;
    const identity = identityOf(request, config);
    requirePassword(request.newPassword, this.#tools);
    if (!looksLikeCode(request.code)) throw invalid('Invalid confirmation code format.');
    const key = `code ${attemptKey(identity.text, request.clientAddress)}`;
    this.#guesses.attempt(key);
    const user = await findActive(this.#changes.db, identity, request.kind);
    if (!isCode(request.code, user?.confirm_code, secrets) || !user) throw invalid('Invalid confirmation code.');
    if (Number(user.code_expires_at) * 1000 < Date.now()) throw invalid('Confirmation code expired.');
    this.#guesses.succeeded(key);
    return this.#write(user, request, { confirm_code: user.confirm_code });
  }

  async #byAnswer(request: PasswordRequest): Promise<JsonObject> {
    const identity: Identity = identityOf(request, this.#tools.config);
    requirePassword(request.newPassword, this.#tools);
    const key = `answer ${attemptKey(identity.text, request.clientAddress)}`;
    const anywhere = `${identity.attribute} ${identity.text.toLowerCase()}`;
    this.#answers.check(anywhere);
    this.#guesses.attempt(key);
    this.#answers.failed(anywhere);
    const user = await findActive(this.#changes.db, identity, request.kind);
    const hash = user?.security_answer_hash ?? null;
    if (!(await this.#tools.passwords.verify(request.securityAnswer, hash)) || !user) {
      throw invalid('The answer supplied does not match.');
    }
    this.#guesses.succeeded(key);
    this.#answers.succeeded(anywhere);
    return this.#write(user, request, { security_answer_hash: hash });
  }

  /** All sessions end, the one that asks as well. @throws MillraceError invalid where somebody else was faster */
  async #write(user: User, { newPassword, login, clientAddress }: PasswordRequest, guard: Guard): Promise<JsonObject> {
    const values = {
      password_hash: await this.#tools.passwords.hash(newPassword),
      tokens_valid_from: endOfSessions({ ...user }),
      last_modified_date: new Date().toISOString().replace('Z', '000Z'),
      is_confirmed: 1,
      ...NO_CODE,
    };
    const { numUpdatedRows } = await this.#changes.commit(dirtyUser(user.id), (trx) => {
      const update = trx.updateTable('user').set(values).where('id', '=', user.id);
      return update.where((eb) => eb.and(guard)).executeTakeFirst();
    });
    if (numUpdatedRows === 0n) throw invalid('The password was changed by somebody else meanwhile.');
    this.#sessions.forgive(user, clientAddress);
    const token = login ? { session_token: await this.#sessions.issueFor({ ...user, ...values }) } : {};
    return { success: true, ...token };
  }

  /** Late enough that the answer has left: how long this takes is nobody's business. */
  #behind(work: () => Promise<void>): void {
    const ended = delay(BEHIND_MS)
      .then(work)
      .catch((thrown: unknown) => {
        const { code, message, cause } = MillraceError.from(thrown);
        this.#log.warn({ code, err: cause }, `a code for a new password could not be sent: ${message}`);
      })
      .finally(() => this.#sending.delete(ended));
    this.#sending.add(ended);
  }
}

/** @throws MillraceError invalid; the same for every account */
function requirePassword(password: string, { config }: Tools): void {
  if (password === '') throw invalid('Missing new_password.', { field: 'new_password' });
  const fault =
    password.length > PASSWORD_LENGTH_MAX
      ? `The password field must not be greater than ${PASSWORD_LENGTH_MAX} characters.`
      : passwordFault(password, config);
  if (fault) throw invalid(fault, { password: [fault] });
}
