/** `system/limit_cache`: how the limits stand, and beginning anew (system-api §7.4). */
import { invalid, notFound } from '#common/errors.ts';
import { parseJson, stringifyJson } from '#common/json.ts';
import { LIMIT_TYPES } from '#common/limits/limit.ts';
import type { Limit } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import { counterKey, type Limits } from '../admit/limits.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import { idsOf } from '../parse/options.ts';
import type { Parsed } from '../parse/records.ts';
import { nothingBelow, unsupportedVerb } from './resources.ts';

const RELATION = 'limit_cache_by_limit_id';

interface Entry {
  readonly id: number;
  readonly key: string;
  readonly max: number;
  readonly attempts: number;
  readonly remaining: number;
}

export class LimitCache {
  readonly #state: AccessState;
  readonly #limits: Limits;

  constructor(state: AccessState, limits: Limits) {
    this.#state = state;
    this.#limits = limits;
  }

  /** @throws MillraceError */
  answer(request: ApiRequest): unknown {
    const [, id, ...more] = request.segments;
    this.#limits.refresh();
    if (more.length > 0) throw nothingBelow(request);
    switch (request.verb) {
      case 'GET':
        return id === undefined ? { resource: this.#all() } : this.#entries(this.#limit(id))[0];
      case 'DELETE':
        return this.#delete(request, id);
      default:
        throw unsupportedVerb(request);
    }
  }

  /** For the records of limits: theirs are here, not with the records. */
  #all(): Entry[] {
    return [...this.#state.limits.values()].flatMap((limit) => this.#entries(limit));
  }

  /** One, or one for each user who has his own. */
  #entries(limit: Limit): Entry[] {
    if (!LIMIT_TYPES[limit.type]?.eachUser) return [this.#entry(limit)];
    const users = [...this.#state.users.values()].filter(({ isActive, isSysAdmin }) => isActive && !isSysAdmin);
    return users.map(({ id }) => this.#entry(limit, id));
  }

  #entry(limit: Limit, userId?: number): Entry {
    const key = counterKey(limit, userId);
    const { hits, lockedUntil } = this.#limits.counters.standing(key);
    const attempts = lockedUntil > 0 ? limit.rate : hits;
    return { id: limit.id, key, max: limit.rate, attempts, remaining: Math.max(0, limit.rate - attempts) };
  }

  #delete(request: ApiRequest, id: string | undefined): unknown {
    if (id !== undefined) return { id: this.#reset(this.#limit(id)) };
    const ids = idsOf(request);
    if (ids && ids.length > 0) {
      const limits = ids.map(({ kind }) => this.#limit(String(kind.case === 'list' ? '' : kind.value)));
      return { resource: limits.map((limit) => ({ id: this.#reset(limit) })) };
    }
    if (!request.query.flag('allow_delete') && !request.query.flag('force')) {
      throw invalid('No filter or records given for delete request.');
    }
    for (const limit of this.#state.limits.values()) this.#reset(limit);
    return { success: true };
  }

  #reset(limit: Limit): number {
    for (const key of this.#limits.keysOf(limit)) this.#limits.counters.reset(key);
    return limit.id;
  }

  /** @throws MillraceError not_found */
  #limit(id: string): Limit {
    const limit = this.#state.limits.get(Number(id));
    if (!limit) throw notFound(`Record with identifier '${id}' not found.`);
    return limit;
  }

  /** Records of limits with their standing, where that was asked for. @returns undefined where it was not */
  standingOf(parsed: Parsed): { readonly parsed: Parsed; show(json: Uint8Array): Uint8Array } | undefined {
    const { action } = parsed.shape;
    if (
      (action.case !== 'read' && action.case !== 'create' && action.case !== 'update') ||
      action.value.table !== 'limit'
    )
      return undefined;
    const related = action.value.related.filter(({ name }) => name !== RELATION);
    if (related.length === action.value.related.length) return undefined;
    const without = { ...action, value: { ...action.value, related } } as typeof action;
    const shown = (record: unknown): unknown => {
      const limit = this.#state.limits.get(Number((record as { id?: unknown }).id));
      return { ...(record as object), [RELATION]: limit ? this.#entries(limit) : [] };
    };
    return {
      parsed: { ...parsed, shape: { ...parsed.shape, action: without } },
      show: (json) => {
        const value = parseJson(json);
        return Buffer.from(stringifyJson(Array.isArray(value) ? value.map(shown) : shown(value)));
      },
    };
  }
}
