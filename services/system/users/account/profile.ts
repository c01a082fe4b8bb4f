/** What people say about themselves (system-api §3.7). */
import { create } from '@bufbuild/protobuf';
import { invalid, notFound } from '#common/errors.ts';
import { CallerSchema } from '#proto/data/v1/data_pb.ts';
import { type ProfileChange, type ProfileRequest, UserKind } from '#proto/system/v1/system_pb.ts';
import { type Changes, dirtyUser } from '../../changes.ts';
import type { JsonObject, Tools } from '../../records/model.ts';
import { updateRecord } from '../../records/write.ts';
import { noSession, type Sessions, type User } from '../../sessions.ts';
import { attemptKey, GUESSES, Throttle } from '../../throttle.ts';
import { OWN_USER } from '../model.ts';
import { userById } from './finder.ts';
import { choose, type Done, readObject } from './input.ts';

const FIELDS = [
  ...['username', 'first_name', 'last_name', 'name', 'email', 'phone'],
  ...['security_question', 'security_answer', 'default_app_id'],
];

export class Profiles {
  readonly #changes: Changes;
  readonly #tools: Tools;
  readonly #sessions: Sessions;
  readonly #throttle = new Throttle(GUESSES);

  constructor(changes: Changes, tools: Tools, sessions: Sessions) {
    this.#changes = changes;
    this.#tools = tools;
    this.#sessions = sessions;
  }

  /** @throws MillraceError unauthenticated */
  async get(request: ProfileRequest): Promise<JsonObject> {
    const user = await this.#find(request);
    if (!user) throw noSession();
    return {
      username: user.username,
      first_name: user.first_name,
      last_name: user.last_name,
      name: user.name,
      email: user.email,
      phone: user.phone,
      security_question: user.security_question,
      default_app_id: user.default_app_id,
      oauth_provider: user.oauth_provider ?? '',
      adldap: '',
    };
  }

  /** Another address is another name to sign in by: it takes the password, and ends all sessions but a new one. */
  async change(request: ProfileChange): Promise<Done> {
    const user = await this.#find(request);
    if (!user) throw notFound('No user session found.');
    const sent = readObject(request.recordJson);
    const { record, dropped } = choose(sent, FIELDS, ['current_password']);
    const isNewEmail = 'email' in record && record['email'] !== user.email;
    if (isNewEmail) await this.#requirePassword(user, sent['current_password'], request.clientAddress);
    await this.#changes.commit(dirtyUser(user.id), (trx) =>
      updateRecord(OWN_USER, user.id, record, {
        db: trx,
        caller: create(CallerSchema, { userId: user.id }),
        tools: this.#tools,
        dropped: new Set(),
        afterwards: [],
        requestId: null,
      }),
    );
    if (!isNewEmail) return { json: { success: true }, dropped };
    const changed = (await userById(this.#changes.db, user.id)) ?? user;
    return { json: { success: true, session_token: await this.#sessions.issueFor(changed) }, dropped };
  }

  async #find({ kind, userId }: ProfileRequest | ProfileChange): Promise<User | undefined> {
    const user = userId === 0 ? undefined : await userById(this.#changes.db, userId);
    return kind === UserKind.ADMIN && user?.is_sys_admin !== 1 ? undefined : user;
  }

  async #requirePassword(user: User, password: unknown, clientAddress: string): Promise<void> {
    if (typeof password !== 'string' || password === '') throw invalid('Current Password required to change email');
    const key = attemptKey(user.email, clientAddress);
    this.#throttle.attempt(key);
    if (!(await this.#tools.passwords.verify(password, user.password_hash))) {
      throw invalid('The password supplied does not match.');
    }
    this.#throttle.succeeded(key);
  }
}
