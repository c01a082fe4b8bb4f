/** For whom runs are: who has been here before need not be described again. */
import { LRUCache } from 'lru-cache';
import { asBuffer } from '#common/json.ts';
import type { Caller, Run } from '#proto/script/v1/script_pb.ts';

const KNOWN_MAX = 10_000;

export interface Who {
  /** Equal ones are the same caller, in the same session. */
  readonly key: string;
  /** `platform.session`, without its lookups. */
  readonly sessionJson: Uint8Array;
  readonly caller: Caller | undefined;
}

export class Callers {
  readonly #known = new LRUCache<string, Who>({ max: KNOWN_MAX });

  /** undefined: nobody has said yet who that is. */
  of({ sessionId, sessionJson, caller }: Run): Who | undefined {
    if (sessionId === '') return { key: described(sessionJson, caller), sessionJson, caller };
    const known = this.#known.get(sessionId);
    if (known || sessionJson.length === 0) return known;
    // The bytes of a batch would stay as long as this.
    const who = { key: sessionId, sessionJson: Buffer.from(sessionJson), caller };
    this.#known.set(sessionId, who);
    return who;
  }
}

function described(sessionJson: Uint8Array, caller: Caller | undefined): string {
  const session = asBuffer(sessionJson).toString('latin1');
  return `${caller?.userId ?? 0}/${caller?.roleId ?? 0}/${caller?.appId ?? 0}/${session}`;
}
