/**
 * What pure scripts have left behind, for calls in which they see the same (scripting-svc/sandbox/purity.ts): such a script
 * need not be run again. A run is found by what it looked at: another one that would see the same there goes the same way.
 */
import { LRUCache } from 'lru-cache';
import { SCRIPT_OUTCOMES_BYTES_MAX } from '#common/bounds.ts';
import { bitOf, Member } from '#common/scripts/members.ts';
import type { Outcome } from '#proto/script/v1/script_pb.ts';
import type { ScriptEvent } from './event.ts';
import type { Session } from './session.ts';

/** What takes more is seldom seen twice. */
const KEY_LENGTH_MAX = 4_000;
const OUTCOME_BYTES_MAX = 16_000;
/** What an entry takes beside its key and its outcome. */
const OVERHEAD_BYTES = 400;
/** Different ways through one script, each looking at members of its own. */
const WAYS_MAX = 4;
/** Bodies of requests differ. */
const NOT_SEEN_TWICE = bitOf(Member.CONTENT) | bitOf(Member.PAYLOAD);

export class RememberedOutcomes {
  readonly #outcomes = new LRUCache<string, Outcome>({
    maxSize: SCRIPT_OUTCOMES_BYTES_MAX,
    sizeCalculation: (outcome, key) => key.length + sizeOf(outcome) + OVERHEAD_BYTES,
  });

  /** @param ways  masks of what earlier runs of this script have looked at */
  find(hash: bigint, ways: readonly number[], event: ScriptEvent, session: Session): Outcome | undefined {
    for (const way of ways) {
      const outcome = this.#outcomes.get(keyOf(hash, way, event, session));
      if (outcome) return outcome;
    }
    return undefined;
  }

  /** @returns the ways, with this one */
  keep(
    hash: bigint,
    ways: readonly number[],
    way: number,
    event: ScriptEvent,
    session: Session,
    outcome: Outcome,
  ): readonly number[] {
    const isNew = !ways.includes(way);
    if ((way & NOT_SEEN_TWICE) !== 0 || (isNew && ways.length === WAYS_MAX)) return ways;
    const key = keyOf(hash, way, event, session);
    if (key.length <= KEY_LENGTH_MAX && sizeOf(outcome) <= OUTCOME_BYTES_MAX) this.#outcomes.set(key, copyOf(outcome));
    return isNew ? [...ways, way] : ways;
  }
}

function keyOf(hash: bigint, way: number, event: ScriptEvent, session: Session): string {
  const who = (way & bitOf(Member.SESSION)) === 0 ? '' : session.id;
  return `${hash}/${way}/${who}/${event.keyOf(way)}`;
}

const sizeOf = ({ requestJson, responseJson, returnedJson, contentJson }: Outcome): number =>
  requestJson.length + responseJson.length + returnedJson.length + contentJson.length;

/** In memory of its own: a batch of answers would stay as long as one of them. */
function copyOf(outcome: Outcome): Outcome {
  const { requestJson, responseJson, returnedJson, contentJson } = outcome;
  return {
    ...outcome,
    requestJson: ownBytes(requestJson),
    responseJson: ownBytes(responseJson),
    returnedJson: ownBytes(returnedJson),
    contentJson: ownBytes(contentJson),
  };
}

function ownBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}
