/**
 * What pure scripts have left behind, for calls in which they see the same (scripting-svc/sandbox/purity.ts): such a script
 * need not be run again. A run is found by what it looked at: another one that would see the same there goes the same way.
 */
import { create } from '@bufbuild/protobuf';
import { LRUCache } from 'lru-cache';
import { SCRIPT_OUTCOMES_BYTES_MAX } from '#common/bounds.ts';
import { asBuffer } from '#common/json.ts';
import { bitOf, Member } from '#common/scripts/members.ts';
import { type Outcome, OutcomeSchema } from '#proto/script/v1/script_pb.ts';
import type { ScriptEvent } from './event.ts';
import type { Session } from './session.ts';

/** What takes more is seldom seen twice. */
const KEY_LENGTH_MAX = 4_000;
const OUTCOME_BYTES_MAX = 16_000;
/** What an entry takes beside its key and its outcome. */
const OVERHEAD_BYTES = 130;
const OBJECT_BYTES = 700;
/** Different ways through one script, each looking at members of its own. */
const WAYS_MAX = 4;
/** Bodies of requests differ. */
const NOT_SEEN_TWICE = bitOf(Member.CONTENT) | bitOf(Member.PAYLOAD);

/** A text: the content alone was changed. */
type Packed = Outcome | string;

const NOTHING_LEFT: Outcome = create(OutcomeSchema);

/** What was seen once is seldom seen again, and to keep it costs more than to find that out: places for marks of keys. */
const MARKS = 1 << 18;

export class RememberedOutcomes {
  /** Of keys that were seen, by their hash; what is there twice is worth keeping. */
  readonly #marks = new Uint32Array(MARKS);
  readonly #outcomes = new LRUCache<string, Packed>({
    maxSize: SCRIPT_OUTCOMES_BYTES_MAX,
    sizeCalculation: (kept, key) =>
      key.length + OVERHEAD_BYTES + (typeof kept === 'string' ? kept.length : sizeOf(kept) + OBJECT_BYTES),
  });

  /** @param script  its hash; @param ways  masks of what earlier runs of this script have looked at */
  find(script: string, ways: readonly number[], event: ScriptEvent, session: Session): Outcome | undefined {
    for (const way of ways) {
      const kept = this.#outcomes.get(keyOf(script, way, event, session));
      if (kept !== undefined) return unpacked(kept);
    }
    return undefined;
  }

  /** @returns the ways, with this one */
  keep(
    script: string,
    ways: readonly number[],
    way: number,
    event: ScriptEvent,
    session: Session,
    outcome: Outcome,
  ): readonly number[] {
    const isNew = !ways.includes(way);
    if ((way & NOT_SEEN_TWICE) !== 0 || (isNew && ways.length === WAYS_MAX)) return ways;
    const key = keyOf(script, way, event, session);
    const isSmall = key.length <= KEY_LENGTH_MAX && sizeOf(outcome) <= OUTCOME_BYTES_MAX;
    if (isSmall && this.#wasSeen(key)) this.#outcomes.set(key, packed(outcome));
    return isNew ? [...ways, way] : ways;
  }

  #wasSeen(key: string): boolean {
    const hash = hashOf(key);
    const place = hash & (MARKS - 1);
    if (this.#marks[place] === hash) return true;
    this.#marks[place] = hash;
    return false;
  }
}

function keyOf(script: string, way: number, event: ScriptEvent, session: Session): string {
  const who = (way & bitOf(Member.SESSION)) === 0 ? '' : session.id;
  return `${script}/${way}/${who}/${event.keyOf(way)}`;
}

/** FNV-1a, of 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

const isNothing = (outcome: Outcome): boolean => sizeOf(outcome) === 0 && !outcome.stopPropagation;

const isContentOnly = (outcome: Outcome): boolean =>
  sizeOf(outcome) === outcome.contentJson.length && !outcome.stopPropagation;

const sizeOf = ({ requestJson, responseJson, returnedJson, contentJson }: Outcome): number =>
  requestJson.length + responseJson.length + returnedJson.length + contentJson.length;

/** Most outcomes are nothing, or a content: as a text it takes a third of the memory. */
function packed(outcome: Outcome): Packed {
  if (isNothing(outcome)) return NOTHING_LEFT;
  if (isContentOnly(outcome)) return asBuffer(outcome.contentJson).toString('latin1');
  const { requestJson, responseJson, returnedJson, contentJson } = outcome;
  // In memory of its own: a batch of answers would stay as long as one of them.
  return {
    ...outcome,
    requestJson: Uint8Array.from(requestJson),
    responseJson: Uint8Array.from(responseJson),
    returnedJson: Uint8Array.from(returnedJson),
    contentJson: Uint8Array.from(contentJson),
  };
}

const unpacked = (kept: Packed): Outcome =>
  typeof kept === 'string' ? { ...NOTHING_LEFT, contentJson: Buffer.from(kept, 'latin1') } : kept;
