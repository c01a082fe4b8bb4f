import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { ScriptLine } from '#common/scripts/line.ts';
import { type RunReply, RunReplySchema, RunSchema } from '#proto/script/v1/script_pb.ts';
import { QuickLane } from './quick-lane.ts';

const SILENT_MS = 10;
const LATE_MS = 20;
const SUSPECT_MS = 300;
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
  const send = (runsBefore = 0, heldUp = (_isSuspect: boolean): void => void ended.push('held up')): void => {
    lane.send(create(RunSchema), new Deadline(Date.now() + 60_000), { runsBefore, heldUp }).then(
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
    await vi.advanceTimersByTimeAsync(2 * SUSPECT_MS);
    expect(ended).toEqual([REPLY, 'lost']);
    expect(lane.isOpen).toBe(true);
  });

  test('that is silent says it to all that wait but the first, until something comes back', async () => {
    const { lane, send, sent, ended } = laneWith();
    send();
    await vi.advanceTimersByTimeAsync(SILENT_MS / 2);
    send();
    send();
    await vi.advanceTimersByTimeAsync(SILENT_MS / 2 + 1);
    expect(ended).toEqual(['held up', 'held up']);
    expect(lane.isOpen).toBe(false);
    await vi.advanceTimersByTimeAsync(SUSPECT_MS / 2);
    expect(ended).toHaveLength(2);
    await sent[1]?.answer(REPLY);
    expect(lane.isOpen).toBe(true);
    expect(ended).toEqual(['held up', 'held up', REPLY]);
  });

  test('whose worker is gone takes one run at a time, which may be answered elsewhere at once, until one is answered', async () => {
    const { lane, send, sent, ended } = laneWith();
    send();
    send();
    await sent[0]?.lose();
    expect(lane.isOpen).toBe(false);
    await sent[1]?.lose();
    expect(lane.isOpen).toBe(true);
    send();
    expect([lane.isOpen, ended]).toEqual([false, ['lost', 'lost', 'held up']]);
    await sent[2]?.answer(REPLY);
    send();
    expect([lane.isOpen, ended]).toEqual([true, ['lost', 'lost', 'held up', REPLY]]);
  });

  test('suspects the script that is known least, of those that were sent together', async () => {
    const { send } = laneWith();
    const told: string[] = [];
    const sendOf = (name: string, runsBefore: number): void =>
      send(runsBefore, (isSuspect) => void told.push(`${name}${isSuspect ? ' suspected' : ''}`));
    sendOf('known', 1000);
    sendOf('new', 30);
    sendOf('known too', 500);
    await vi.advanceTimersByTimeAsync(SILENT_MS / 2);
    sendOf('newer, later', 1);
    await vi.advanceTimersByTimeAsync(SILENT_MS / 2 + 1);
    expect(told).toEqual(['known', 'known too', 'newer, later']);
    await vi.advanceTimersByTimeAsync(SUSPECT_MS);
    expect(told.slice(3)).toEqual(['new suspected']);
  });

  test('that stays silent says it to the first as well', async () => {
    const { send, ended } = laneWith();
    send();
    await vi.advanceTimersByTimeAsync(SUSPECT_MS - 1);
    expect(ended).toEqual([]);
    await vi.advanceTimersByTimeAsync(SILENT_MS + 1);
    expect(ended).toEqual(['held up']);
  });

  test('its silence begins with what it has said last', async () => {
    const { lane, send, sent, ended } = laneWith();
    send();
    send();
    send();
    await vi.advanceTimersByTimeAsync(SILENT_MS - 1);
    await sent[0]?.answer(REPLY);
    await vi.advanceTimersByTimeAsync(SILENT_MS - 1);
    expect([lane.isOpen, ended]).toEqual([true, [REPLY]]);
    await vi.advanceTimersByTimeAsync(2);
    expect([lane.isOpen, ended]).toEqual([false, [REPLY, 'held up']]);
  });

  test('that answers others says it only to those that have waited for long, and to few at a time', async () => {
    const { lane, send, sent, ended } = laneWith();
    for (let run = 0; run < MANY; run++) send();
    for (let ms = 0; ms < LATE_MS; ms += SILENT_MS / 2) {
      expect(ended).not.toContain('held up');
      await vi.advanceTimersByTimeAsync(SILENT_MS / 2);
      send();
      await sent.at(-1)?.answer(REPLY);
    }
    send();
    await vi.advanceTimersByTimeAsync(SILENT_MS);
    const told = ended.filter((one) => one === 'held up').length;
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThan(MANY);
    expect(lane.isOpen).toBe(true);
    await sent.at(-1)?.answer(REPLY);
    expect(ended.at(-1)).toBe(REPLY);
  });
});
