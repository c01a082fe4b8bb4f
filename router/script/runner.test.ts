import { setImmediate as turn } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { SCRIPT_DEPTH_MAX } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { ScriptLine } from '#common/scripts/line.ts';
import { NotBegun } from '#common/scripts/replies.ts';
import {
  EventSchema,
  Failure_Kind,
  Lane,
  type RunReply,
  RunReplySchema,
  ScriptSchema,
} from '#proto/script/v1/script_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { ScriptEvent } from './event.ts';
import type { Grants } from './grant.ts';
import { type RunCall, type RunnerParts, type ScriptLines, ScriptRunner } from './runner.ts';
import type { Sessions } from './session.ts';

const SCRIPT = create(ScriptSchema, { name: 's', id: 1, hash: 1n });
const NOTHING = new Uint8Array();
const EVENT = { message: () => create(EventSchema) } as unknown as ScriptEvent;
const REPLY = create(RunReplySchema, { outcome: { case: 'done', value: {} }, next: Lane.QUICK });

const callOf = (principal: Partial<Principal>): RunCall => ({
  principal: principal as Principal,
  requestId: 'r',
  deadline: new Deadline(Date.now() + 60_000),
});

const runnerWith = (lines: ScriptLines): ScriptRunner =>
  new ScriptRunner({
    lines,
    grants: { of: () => NOTHING } as unknown as Grants,
    sessions: { of: () => ({ id: 'x', json: NOTHING, caller: undefined }) } as unknown as Sessions,
    log: { warn: () => {} } as unknown as RunnerParts['log'],
  });

/**
 * Runs of a script that was moved to the lane of short ones, whose worker answers the next of them when it is told to.
 * @param standby  whether there is one that stands by, and what it does
 */
async function heldUp(standby?: () => Promise<RunReply>) {
  const went: string[] = [];
  let answer: (reply: RunReply) => void = () => {};
  let lose: (error: Error) => void = () => {};
  const held = new Promise<RunReply>((resolve, reject) => {
    answer = resolve;
    lose = reject;
  });
  const lineOf = (lane: string, does: (nth: number) => Promise<RunReply>): ScriptLine => ({
    send: () => does(went.push(lane)),
    inFlight: 0,
    close: () => {},
  });
  const lines = {
    patient: lineOf('patient', async () => REPLY),
    quick: lineOf('quick', async (nth) => (nth === 2 ? held : REPLY)),
    standby: standby && lineOf('standby', standby),
  };
  const runner = runnerWith(lines);
  const run = (principal: Partial<Principal> = {}) => runner.run(SCRIPT, EVENT, callOf(principal));
  await run();
  await run();
  return { went, answer, lose, run };
}

test('a run behind one that holds its lane is run elsewhere, and its script stays what it was', async () => {
  const { went, answer, run } = await heldUp();
  expect(went).toEqual(['patient', 'quick', 'patient']);
  answer(REPLY);
  await turn();
  await run();
  expect(went.at(-1)).toBe('quick');
});

test('the script that has held its lane until its worker was ended comes back only when it has proved itself', async () => {
  const { went, lose, run } = await heldUp();
  lose(new MillraceError('unavailable', 'gone'));
  await turn();
  await run();
  expect(went.at(-1)).toBe('patient');
});

test('a call that scripts have made too deep is refused, whichever lane its script is in', async () => {
  const { went, answer, run } = await heldUp();
  answer(REPLY);
  await turn();
  await expect(run({ scriptDepth: SCRIPT_DEPTH_MAX })).rejects.toMatchObject({ code: 'script' });
  await run();
  expect(went).toEqual(['patient', 'quick', 'patient', 'quick']);
});

test('while its lane is held up, a script is run where it is not', async () => {
  const { went, run } = await heldUp();
  await run();
  expect(went).toEqual(['patient', 'quick', 'patient', 'patient']);
});

test('a script behind one that holds its worker keeps its lane when that is ended; one that is capped does not', async () => {
  const went: string[] = [];
  const losing: ((error: Error) => void)[] = [];
  let reply = REPLY;
  const lineOf = (name: string, does: () => Promise<RunReply>): ScriptLine => ({
    send: ({ script }) => {
      went.push(`${name} ${script?.id}`);
      return does();
    },
    inFlight: 0,
    close: () => {},
  });
  const runner = runnerWith({
    patient: lineOf('patient', async () => reply),
    quick: lineOf('quick', () => new Promise((_, reject) => losing.push(reject))),
    standby: undefined,
  });
  const behind = create(ScriptSchema, { name: 't', id: 2, hash: 2n });
  const run = (script = SCRIPT) => runner.run(script, EVENT, callOf({}));
  await run();
  await run(behind);
  const [first, second] = [run(), run(behind)];
  await second;
  for (const lose of losing.splice(0)) lose(new MillraceError('unavailable', 'gone'));
  await first;
  went.length = 0;
  await run(behind);
  expect(went.toSorted()).toEqual(['patient 2', 'quick 2']);
  await run();
  expect(went.slice(2)).toEqual(['patient 1']);
  for (const lose of losing.splice(0)) lose(new MillraceError('unavailable', 'gone'));
  await turn();
  reply = create(RunReplySchema, { outcome: { case: 'failure', value: { kind: Failure_Kind.CAPPED } } });
  await expect(run(behind)).rejects.toMatchObject({ code: 'script' });
  went.length = 0;
  await expect(run(behind)).rejects.toMatchObject({ code: 'script' });
  expect(went).toEqual(['patient 2']);
});

describe('where a worker stands by', () => {
  const good = async (): Promise<RunReply> => REPLY;

  test('it runs what comes while the lane is held up', async () => {
    const { went, answer, run } = await heldUp(good);
    await run();
    expect(went).toEqual(['patient', 'quick', 'patient', 'standby']);
    answer(REPLY);
    await turn();
    await run();
    expect(went.at(-1)).toBe('quick');
  });

  test.each([
    ['is held up as well', (): Promise<RunReply> => new Promise(() => {})],
    [
      'is on its way',
      async (): Promise<RunReply> => {
        throw new MillraceError('unavailable', 'nobody', undefined, new NotBegun('nobody'));
      },
    ],
  ])('the patient lane does where it %s', async (_, standby) => {
    const { went, run } = await heldUp(standby);
    await run();
    expect(went).toEqual(['patient', 'quick', 'patient', 'standby', 'patient']);
  });

  test('what may hold its worker does not come to it', async () => {
    const { went, lose, run } = await heldUp(good);
    lose(new MillraceError('unavailable', 'gone'));
    await turn();
    await run();
    expect(went).toEqual(['patient', 'quick', 'patient', 'patient']);
  });

  test('it runs one of the lane now and then, so that it is warm', async () => {
    const { went, answer, run } = await heldUp(good);
    answer(REPLY);
    await turn();
    went.length = 0;
    for (let runs = 0; runs < 100; runs++) await run();
    const times = went.filter((lane) => lane === 'standby').length;
    expect(times).toBeGreaterThan(0);
    expect(times).toBeLessThan(10);
    expect(went).toHaveLength(100);
  });
});
