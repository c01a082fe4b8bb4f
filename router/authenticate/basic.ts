/** HTTP Basic: the system service checks the password; what it said is remembered for a short while. */
import { createHmac, randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { LRUCache } from 'lru-cache';
import { type ErrorCode, MillraceError } from '#common/errors.ts';
import type { Channel } from '#common/grpc/channel.ts';
import type { User } from '#proto/access/v1/access_pb.ts';
import { LoginRequestSchema, type Sessions, UserKind } from '#proto/system/v1/system_pb.ts';
import type { AccessState } from '../access/state.ts';

const REMEMBERED_MS = 60_000;
const VERIFY_TIMEOUT_MS = 10_000;

export class BasicVerifier {
  readonly #state: AccessState;
  readonly #sessions: Channel<typeof Sessions>;
  /** By a keyed digest: no password is held in memory. */
  readonly #remembered = new LRUCache<string, User>({
    max: 10_000,
    ttl: REMEMBERED_MS,
  });
  readonly #key = randomBytes(32);

  constructor(state: AccessState, sessions: Channel<typeof Sessions>) {
    this.#state = state;
    this.#sessions = sessions;
  }

  /** @throws MillraceError unauthenticated, denied (inactive), limited (too many tries) */
  async userOf(basic: { user: string; password: string }, clientAddress: string): Promise<User> {
    const digest = createHmac('sha256', this.#key).update(`${basic.user}:${basic.password}`).digest('base64');
    const known = this.#remembered.get(digest);
    const today = known && this.#state.users.get(known.id);
    if (known && today?.isActive && signsInAlike(known, today)) return today;

    const request = create(LoginRequestSchema, {
      kind: UserKind.ANY,
      email: basic.user,
      username: basic.user,
      password: basic.password,
      clientAddress,
    });
    const { outcome } = await this.#sessions.call('verifyPassword', request, VERIFY_TIMEOUT_MS);
    if (outcome.case === 'failure') throw new MillraceError(outcome.value.code as ErrorCode, outcome.value.message);
    const user = outcome.case === 'userId' ? this.#state.users.get(outcome.value) : undefined;
    if (!user) throw new MillraceError('unauthenticated', 'Invalid credentials supplied.');
    if (!user.isActive) throw new MillraceError('denied', 'User is not active.');
    this.#remembered.set(digest, user);
    return user;
  }
}

/** Same names, same password: what was found good before would be found good again. */
function signsInAlike(before: User, today: User): boolean {
  return (
    before.passwordVersion === today.passwordVersion &&
    before.email === today.email &&
    before.username === today.username
  );
}
