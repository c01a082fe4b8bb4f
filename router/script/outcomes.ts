/**
 * What pure scripts have left behind, for calls in which they see the same (scripting-svc/sandbox/purity.ts): such a script
 * need not be run again. A run is found by what it looked at: another one that would see the same there goes the same way.
 */
import { create } from '@bufbuild/protobuf';
import { SCRIPT_OUTCOMES_BYTES_MAX } from '#common/bounds.ts';
import { asBuffer } from '#common/json.ts';
import { bitOf, Member } from '#common/scripts/members.ts';
import { type Outcome, OutcomeSchema } from '#proto/script/v1/script_pb.ts';
import { ByteCache } from './byte-cache.ts';
import type { ScriptEvent } from './event.ts';
import { type Key, KeyWriter } from './key-writer.ts';

/** What takes more is seldom seen twice. */
const KEY_LENGTH_MAX = 4_096;
const OUTCOME_BYTES_MAX = 16_000;
/** Different ways through one script, each looking at members of its own. */
const WAYS_MAX = 4;
/** Bodies of requests differ. */
const NOT_SEEN_TWICE = bitOf(Member.CONTENT) | bitOf(Member.PAYLOAD);
/** Places for marks of keys. */
const MARKS = 1 << 20;

/** Of whoever calls: asked for only where a script has looked at it. */
type SessionId = () => string;

/** The two halves of a script's hash. */
export interface ScriptHash {
  readonly low: number;
  readonly high: number;
}

const LOW = 0xffffffffn;

export const halvesOf = (hash: bigint): ScriptHash => ({ low: Number(hash & LOW), high: Number((hash >> 32n) & LOW) });

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

  /** @param ways  masks of what earlier runs of this script have looked at */
  find(script: ScriptHash, ways: readonly number[], event: ScriptEvent, sessionId: SessionId): Outcome | undefined {
    if (!this.#kept) return undefined;
    for (const way of ways) {
      const key = this.#keyOf(script, way, event, sessionId);
      const value = key && this.#kept.find(key);
      if (value) return unpacked(value, seenContent(way, event));
    }
    return undefined;
  }

  /** @returns the ways, with this one */
  keep(
    script: ScriptHash,
    ways: readonly number[],
    way: number,
    event: ScriptEvent,
    sessionId: SessionId,
    outcome: Outcome,
  ): readonly number[] {
    const isNew = !ways.includes(way);
    if ((way & NOT_SEEN_TWICE) !== 0 || (isNew && ways.length === WAYS_MAX)) return ways;
    const key = sizeOf(outcome) <= OUTCOME_BYTES_MAX ? this.#keyOf(script, way, event, sessionId) : undefined;
    if (key) this.#set(key, outcome, seenContent(way, event));
    return isNew ? [...ways, way] : ways;
  }

  #set(key: Key, outcome: Outcome, seen: Uint8Array): void {
    this.#kept ??= new ByteCache(this.#bytesMax);
    if (this.#kept.hasRoom || this.#wasSeen(key.hash)) this.#kept.set(key, packed(outcome, seen));
  }

  #wasSeen(hash: number): boolean {
    this.#marks ??= new Uint32Array(MARKS);
    const place = hash & (MARKS - 1);
    if (this.#marks[place] === hash) return true;
    this.#marks[place] = hash;
    return false;
  }

  #keyOf(script: ScriptHash, way: number, event: ScriptEvent, sessionId: SessionId): Key | undefined {
    const key = this.#key;
    key.begin();
    key.number(script.low);
    key.number(script.high);
    key.number(way);
    if ((way & bitOf(Member.SESSION)) !== 0) key.text(sessionId());
    event.writeKey(way, key);
    return key.end();
  }
}

const NOTHING_LEFT: Outcome = create(OutcomeSchema);
const NOTHING = new Uint8Array();
/**
 * What the last byte says: in front of it is a content and nothing else, without what it begins with as the answer did; or
 * all four parts with their lengths.
 */
const CONTENT = 0;
const PARTS = 1;
const STOPS = 2;
const LENGTH_BYTES = 4;
const CONTENT_TAIL_BYTES = LENGTH_BYTES + 1;
const PARTS_TAIL_BYTES = 4 * LENGTH_BYTES + 1;

/** The content of the answer, as far as it is the same wherever this way is found. */
const seenContent = (way: number, event: ScriptEvent): Uint8Array =>
  (way & bitOf(Member.ANSWER_CONTENT)) === 0 ? NOTHING : event.content;

const sizeOf = ({ requestJson, responseJson, returnedJson, contentJson }: Outcome): number =>
  requestJson.length + responseJson.length + returnedJson.length + contentJson.length;

function sameBytes(a: Uint8Array, b: Uint8Array): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}

/** Most outcomes are nothing, which takes no bytes, or a content. */
function packed(outcome: Outcome, seen: Uint8Array): Uint8Array {
  const { requestJson, responseJson, returnedJson, contentJson, stopPropagation } = outcome;
  const size = sizeOf(outcome);
  if (size === 0 && !stopPropagation) return NOTHING;
  if (size === contentJson.length && !stopPropagation) return packedContent(contentJson, seen);
  const parts = [requestJson, responseJson, returnedJson, contentJson];
  const tail = Buffer.alloc(PARTS_TAIL_BYTES);
  parts.forEach(({ length }, index) => void tail.writeUInt32LE(length, LENGTH_BYTES * index));
  tail[PARTS_TAIL_BYTES - 1] = stopPropagation ? STOPS : PARTS;
  return Buffer.concat([...parts, tail]);
}

function packedContent(content: Uint8Array, seen: Uint8Array): Uint8Array {
  const same = sameBytes(content, seen);
  const tail = Buffer.alloc(CONTENT_TAIL_BYTES, CONTENT);
  tail.writeUInt32LE(same, 0);
  return Buffer.concat([content.subarray(same), tail]);
}

/** @returns none of the bytes of `value` */
function unpacked(value: Uint8Array, seen: Uint8Array): Outcome {
  if (value.length === 0) return NOTHING_LEFT;
  const kind = value[value.length - 1];
  if (kind === CONTENT) return { ...NOTHING_LEFT, contentJson: unpackedContent(asBuffer(value), seen) };
  const bytes = Buffer.from(value);
  const tail = value.length - PARTS_TAIL_BYTES;
  const ends = [0];
  for (let part = 0; part < 4; part++)
    ends.push((ends[part] as number) + bytes.readUInt32LE(tail + LENGTH_BYTES * part));
  const part = (index: number): Uint8Array => bytes.subarray(ends[index], ends[index + 1]);
  return {
    $typeName: 'millrace.script.v1.Outcome',
    stopPropagation: kind === STOPS,
    requestJson: part(0),
    responseJson: part(1),
    returnedJson: part(2),
    contentJson: part(3),
  };
}

function unpackedContent(value: Buffer, seen: Uint8Array): Uint8Array {
  const rest = value.length - CONTENT_TAIL_BYTES;
  const same = value.readUInt32LE(rest);
  const content = Buffer.allocUnsafe(same + rest);
  asBuffer(seen).copy(content, 0, 0, same);
  value.copy(content, same, 0, rest);
  return content;
}
