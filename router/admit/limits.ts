/** Is this one more than the limits allow? Decided from memory, behind access control (system-api §7.2). */

import type { Counters } from '#common/limits/counters.ts';
import { LIMIT_TYPES, limitKey, PERIODS } from '#common/limits/limit.ts';
import type { Limit, Service } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { type Exceeded, LimitsExceeded } from './exceeded.ts';

/** Requests of scripts are not counted. */
const SCRIPT = 2;
const PERIOD_MS = new Map(PERIODS.map(([name, seconds]) => [name, seconds * 1000]));

/** A limit as it is looked up. */
interface Known {
  readonly limit: Limit;
  readonly eachUser: boolean;
  readonly periodMs: number;
  readonly usesEndpoint: boolean;
  /** In lower case; what comes before the star where there is one. */
  readonly endpoint: string;
  readonly isPrefix: boolean;
  /** The key of a limit that is not for each user. */
  readonly key: string;
}

/** Which limits there are, by what has to be equal for them to apply. */
class LimitIndex {
  readonly #byUser = new Map<number, Known[]>();
  readonly #others: Known[] = [];

  constructor(limits: Iterable<Limit>) {
    for (const limit of limits) {
      const known = knownOf(limit);
      if (limit.userId === undefined) this.#others.push(known);
      else this.#byUser.set(limit.userId, [...(this.#byUser.get(limit.userId) ?? []), known]);
    }
  }

  of(userId: number | undefined): readonly Known[] {
    const own = userId === undefined ? undefined : this.#byUser.get(userId);
    return own ? [...this.#others, ...own] : this.#others;
  }
}

export class Limits {
  readonly #state: AccessState;
  readonly counters: Counters;
  #limits: readonly Limit[] = [];
  #index = new LimitIndex([]);
  #epoch = -1;

  constructor(state: AccessState, counters: Counters) {
    this.#state = state;
    this.counters = counters;
  }

  /** Whether requests of this caller are counted at all. */
  mayApply({ isAdmin, requestor }: Principal): boolean {
    return (this.#state.limits.size > 0 || this.#limits.length > 0) && !isAdmin && requestor !== SCRIPT;
  }

  /**
   * Counts the request for each limit that applies.
   * @param component  path below the service, lower case
   * @throws LimitsExceeded
   */
  admit(principal: Principal, service: Service, component: string, verb: string): void {
    if (!this.mayApply(principal)) return;
    const exceeded: (Exceeded & { readonly known: Known })[] = [];
    const applying = this.#applying(principal, service, component, verb);
    for (const known of applying) {
      const key = keyOf(known, principal.user?.id);
      const until = this.counters.hit(key, known.limit.rate, known.periodMs);
      if (until !== undefined) exceeded.push({ limit: known.limit, until, known });
    }
    const counting = exceeded.filter(({ known }) => !isOverridden(known, applying));
    if (counting.length > 0) throw new LimitsExceeded(counting);
  }

  /** Takes over what changed: a limit that is gone, or of another rate, begins anew. */
  refresh(): void {
    if (this.#epoch === this.#state.epoch) return;
    const { limits } = this.#state;
    for (const before of this.#limits) {
      const now = limits.get(before.id);
      if (now && now.rate === before.rate && counterKey(now) === counterKey(before)) continue;
      for (const key of this.keysOf(before)) this.counters.reset(key);
    }
    this.#limits = [...limits.values()];
    this.#index = new LimitIndex(this.#limits);
    this.#epoch = this.#state.epoch;
  }

  /** What a limit counts by: one key, or one for each user who may have used some of it. */
  keysOf(limit: Limit): string[] {
    if (!LIMIT_TYPES[limit.type]?.eachUser) return [counterKey(limit)];
    return [...this.#state.users.values()].map(({ id }) => counterKey(limit, id));
  }

  #applying({ user, role }: Principal, service: Service, component: string, verb: string): Known[] {
    this.refresh();
    return this.#index.of(user?.id).filter(({ limit, eachUser, usesEndpoint, endpoint, isPrefix }) => {
      if (eachUser && !user) return false;
      if (limit.roleId !== undefined && limit.roleId !== role?.source.id) return false;
      if (limit.serviceId !== undefined && limit.serviceId !== service.id) return false;
      if (limit.verb !== '' && limit.verb !== verb) return false;
      return !usesEndpoint || (isPrefix ? component.startsWith(endpoint) : component === endpoint);
    });
  }
}

function knownOf(limit: Limit): Known {
  const { eachUser = false, fields = [] } = LIMIT_TYPES[limit.type] ?? {};
  const endpoint = limit.endpoint.toLowerCase();
  const star = endpoint.lastIndexOf('*');
  return {
    limit,
    eachUser,
    periodMs: PERIOD_MS.get(limit.period) ?? 60_000,
    usesEndpoint: fields.includes('endpoint'),
    endpoint: star < 0 ? endpoint : endpoint.slice(0, star),
    isPrefix: star >= 0,
    key: limitKey(partsOf(limit)),
  };
}

const partsOf = ({ type, userId, roleId, serviceId, endpoint, verb, period }: Limit) => ({
  ...{ type, userId, roleId, serviceId, endpoint, verb, period },
});

const keyOf = ({ limit, eachUser, key }: Known, userId: number | undefined): string =>
  eachUser ? limitKey(partsOf(limit), userId) : key;

/** What is counted by a limit. @param userId  whose count it is where each user has his own */
export const counterKey = (limit: Limit, userId?: number): string => limitKey(partsOf(limit), userId);

export const periodMsOf = ({ period }: Limit): number => PERIOD_MS.get(period) ?? 60_000;

/** A limit for this very user stands in place of one for each user, one for the verb in place of one for all verbs. */
function isOverridden({ limit, eachUser }: Known, applying: readonly Known[]): boolean {
  return applying.some(({ limit: other, eachUser: otherEach }) => {
    if (other === limit || other.serviceId !== limit.serviceId || other.endpoint !== limit.endpoint) return false;
    const isOfUser = eachUser && !otherEach && other.userId !== undefined;
    const isOfVerb =
      limit.verb === '' && other.verb !== '' && other.type === limit.type && other.period === limit.period;
    return isOfUser || isOfVerb;
  });
}
