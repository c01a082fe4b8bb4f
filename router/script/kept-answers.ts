/** Answers of script services to GET that are kept for a while, where their setting says so (files-and-scripting-api §3.9). */
import { LRUCache } from 'lru-cache';
import { SCRIPT_ANSWERS_KEPT_BYTES_MAX } from '#common/bounds.ts';
import type { Script } from '#proto/script/v1/script_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import type { Answer } from './answer.ts';

/** Of what is kept beside the content. */
const OVERHEAD_BYTES = 500;

/**
 * For each caller alone, unlike the original: a script may answer each of them something else. Whatever it depends on
 * in the system, such as scripts that it imports, empties this memory when it changes.
 */
export class KeptScriptAnswers {
  readonly #state: AccessState;
  readonly #kept = new LRUCache<string, Answer>({
    maxSize: SCRIPT_ANSWERS_KEPT_BYTES_MAX,
    sizeCalculation: ({ content }, key) => content.length + key.length + OVERHEAD_BYTES,
  });
  #epoch = -1;

  constructor(state: AccessState) {
    this.#state = state;
  }

  /** What the same call was answered before, or else what it is answered now. */
  async answer(script: Script, request: ApiRequest, principal: Principal, run: () => Promise<Answer>): Promise<Answer> {
    const { verb, http } = request;
    if (script.cacheSeconds === 0 || verb !== 'GET' || http.body.length > 0) return run();
    const { epoch } = this.#state;
    if (this.#epoch !== epoch) this.forget();
    this.#epoch = epoch;
    const key = keyOf(script, request, principal);
    const kept = this.#kept.get(key);
    if (kept) return kept;
    const answer = await run();
    const isGood = answer.status >= 200 && answer.status < 300;
    if (isGood && this.#epoch === epoch) this.#kept.set(key, answer, { ttl: script.cacheSeconds * 1000 });
    return answer;
  }

  forget(): void {
    this.#kept.clear();
  }
}

/** The query in the order in which it was sent; `_` is how browsers get around their own caches. */
function keyOf(
  { id, hash }: Script,
  { http, segments }: ApiRequest,
  { user, app, role, isAdmin, requestor }: Principal,
): string {
  const query = http.query.split('&').filter((part) => part !== '_' && !part.startsWith('_='));
  const who = [user?.id, app?.id, role?.source.id, isAdmin, requestor];
  return JSON.stringify([id, String(hash), who, segments, query]);
}
