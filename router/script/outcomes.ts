/**
 * What pure scripts have left behind, for calls in which they see the same (scripting-svc/sandbox/purity.ts): such a script
 * need not be run again. A run is found by what it looked at: another one that would see the same there goes the same way.
 */
import { create } from '@bufbuild/protobuf';
import { SCRIPT_OUTCOMES_BYTES_MAX } from '#common/bounds.ts';
import { bitOf, Member } from '#common/scripts/members.ts';
import { type Outcome, OutcomeSchema } from '#proto/script/v1/script_pb.ts';
import { ByteCache } from './byte-cache.ts';
import type { ScriptEvent } from './event.ts';
import { KeyWriter } from './key-writer.ts';
import type { Session } from './session.ts';

/** What takes more is seldom seen twice. */
const KEY_LENGTH_MAX = 4_096;
const OUTCOME_BYTES_MAX = 16_000;
/** Different ways through one script, each looking at members of its own. */
const WAYS_MAX = 4;
/** Bodies of requests differ. */
const NOT_SEEN_TWICE = bitOf(Member.CONTENT) | bitOf(Member.PAYLOAD);
/** Places for marks of keys. */
const MARKS = 1 << 20;

export class RememberedOutcomes {
  readonly #bytesMax: number;
  readonly #key = new KeyWriter(KEY_LENGTH_MAX);
  /** Made when there is a first one. */
  #kept: ByteCache | undefined;
  /**
   * Of keys that were seen, by their hash. Where others have to give way for it, what was seen once is not kept: it is
   * seldom seen again.
   */
  #marks: Uint32Array | undefined;

  constructor(bytesMax = SCRIPT_OUTCOMES_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** @param script  its hash; @param ways  masks of what earlier runs of this script have looked at */
  find(script: bigint, ways: readonly number[], event: ScriptEvent, session: Session): Outcome | undefined {
    if (!this.#kept) return undefined;
    for (const way of ways) {
      const key = this.#keyOf(script, way, event, session);
      const value = key && this.#kept.find(key, this.#key.hash());
      if (value) return unpacked(value);
    }
    return undefined;
  }

  /** @returns the ways, with this one */
  keep(
    script: bigint,
    ways: readonly number[],
    way: number,
    event: ScriptEvent,
    session: Session,
    outcome: Outcome,
  ): readonly number[] {
    const isNew = !ways.includes(way);
    if ((way & NOT_SEEN_TWICE) !== 0 || (isNew && ways.length === WAYS_MAX)) return ways;
    const key = sizeOf(outcome) <= OUTCOME_BYTES_MAX ? this.#keyOf(script, way, event, session) : undefined;
    if (key) this.#set(key, this.#key.hash(), outcome);
    return isNew ? [...ways, way] : ways;
  }

  #set(key: Uint8Array, hash: number, outcome: Outcome): void {
    this.#kept ??= new ByteCache(this.#bytesMax);
    if (this.#kept.hasRoom || this.#wasSeen(hash)) this.#kept.set(key, hash, packed(outcome));
  }

  #wasSeen(hash: number): boolean {
    this.#marks ??= new Uint32Array(MARKS);
    const place = hash & (MARKS - 1);
    if (this.#marks[place] === hash) return true;
    this.#marks[place] = hash;
    return false;
  }

  #keyOf(script: bigint, way: number, event: ScriptEvent, session: Session): Uint8Array | undefined {
    const key = this.#key;
    key.begin();
    key.number(Number(script & LOW));
    key.number(Number((script >> 32n) & LOW));
    key.number(way);
    if ((way & bitOf(Member.SESSION)) !== 0) key.text(session.id);
    event.writeKey(way, key);
    return key.end();
  }
}

const LOW = 0xffffffffn;
const NOTHING_LEFT: Outcome = create(OutcomeSchema);
const NOTHING = new Uint8Array();
const STOPS = 1;
/** Whether it stops, and the lengths of its four parts. */
const HEAD_BYTES = 20;

const sizeOf = ({ requestJson, responseJson, returnedJson, contentJson }: Outcome): number =>
  requestJson.length + responseJson.length + returnedJson.length + contentJson.length;

/** Most outcomes are nothing: they take no bytes. */
function packed(outcome: Outcome): Uint8Array {
  const size = sizeOf(outcome);
  if (size === 0 && !outcome.stopPropagation) return NOTHING;
  const { requestJson, responseJson, returnedJson, contentJson } = outcome;
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + size);
  bytes.writeUInt32LE(outcome.stopPropagation ? STOPS : 0, 0);
  let at = HEAD_BYTES;
  [requestJson, responseJson, returnedJson, contentJson].forEach((part, index) => {
    bytes.writeUInt32LE(part.length, 4 + 4 * index);
    bytes.set(part, at);
    at += part.length;
  });
  return bytes;
}

/** @param value  what it returns is a copy of it */
function unpacked(value: Uint8Array): Outcome {
  if (value.length === 0) return NOTHING_LEFT;
  const bytes = Buffer.from(value);
  const ends = [HEAD_BYTES];
  for (let part = 0; part < 4; part++) ends.push((ends[part] as number) + bytes.readUInt32LE(4 + 4 * part));
  const part = (index: number): Uint8Array => bytes.subarray(ends[index], ends[index + 1]);
  return {
    $typeName: 'millrace.script.v1.Outcome',
    stopPropagation: bytes.readUInt32LE(0) === STOPS,
    requestJson: part(0),
    responseJson: part(1),
    returnedJson: part(2),
    contentJson: part(3),
  };
}
