import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { ScriptLine } from '#common/scripts/line.ts';
import { type RunReply, RunReplySchema, RunSchema } from '#proto/script/v1/script_pb.ts';
import { QuickLane } from './quick-lane.ts';

const HELD_UP_MS = 20;
/** More than are told by a lane that answers others. */
const MANY = 100;

interface Sent {
  readonly answer: (reply: RunReply) => Promise<void>;
  readonly lose: () => Promise<void>;
}

/** A lane, and what was sent into it. */
function laneWith() {
  const sent: Sent[] = [];
  const line: ScriptLine = {
    send: () =>
      new Promise((resolve, reject) => {
        const settled = (settle: () => void) => async () => {
          settle();
          await vi.advanceTimersByTimeAsync(0);
        };
        sent.push({
          answer: (reply) => settled(() => resolve(reply))(),
          lose: settled(() => reject(new MillraceError('unavailable', 'gone'))),
        });
      }),
    inFlight: 0,
    close: () => {},
  };
  const lane = new QuickLane(line);
  const ended: ('held up' | 'lost' | RunReply)[] = [];
  const send = (): void => {
    lane
      .send(create(RunSchema), new Deadline(Date.now() + 60_000), () => void ended.push('held up'))
      .then(
        (reply) => ended.push(reply),
        () => ended.push('lost'),
      );
  };
  return { lane, send, sent, ended };
}

const REPLY = create(RunReplySchema);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the lane of short runs', () => {
  test('gives back what its workers say', async () => {
    const { lane, send, sent, ended } = laneWith();
    send();
    send();
    await sent[0]?.answer(REPLY);
    await sent[1]?.lose();
    await vi.advanceTimersByTimeAsync(3 * HELD_UP_MS);
    expect(ended).toEqual([REPLY, 'lost']);
    expect(lane.isHeldUp).toBe(false);
  });

  test('says that it is held up to all that wait, until something comes back', async () => {
    const { lane, send, sent, ended } = laneWith();
    send();
    await vi.advanceTimersByTimeAsync(HELD_UP_MS / 2);
    send();
    await vi.advanceTimersByTimeAsync(HELD_UP_MS);
    expect(ended).toEqual(['held up', 'held up']);
    expect(lane.isHeldUp).toBe(true);
    await sent[0]?.lose();
    expect(lane.isHeldUp).toBe(false);
    await sent[1]?.answer(REPLY);
    expect(ended).toEqual(['held up', 'held up', 'lost', REPLY]);
  });

  test('that answers others says it only to those that have waited for long, and to few at a time', async () => {
    const { lane, send, sent, ended } = laneWith();
    for (let run = 0; run < MANY; run++) send();
    await vi.advanceTimersByTimeAsync(HELD_UP_MS - 1);
    send();
    await sent.at(-1)?.answer(REPLY);
    expect(ended).toEqual([REPLY]);
    send();
    await vi.advanceTimersByTimeAsync(2);
    const told = ended.filter((one) => one === 'held up').length;
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThan(MANY);
    expect(lane.isHeldUp).toBe(false);
    await sent.at(-1)?.answer(REPLY);
    expect(ended.at(-1)).toBe(REPLY);
  });
});
