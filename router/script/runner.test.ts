import { setImmediate as turn } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { SCRIPT_DEPTH_MAX } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { ScriptLine } from '#common/scripts/line.ts';
import { EventSchema, Lane, type RunReply, RunReplySchema, ScriptSchema } from '#proto/script/v1/script_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { ScriptEvent } from './event.ts';
import type { Grants } from './grant.ts';
import { type RunCall, type RunnerParts, ScriptRunner } from './runner.ts';
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

/** Runs of a script that was moved to the lane of short ones, whose worker answers the next of them when it is told to. */
async function heldUp() {
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
  };
  const runner = new ScriptRunner({
    lines,
    grants: { of: () => NOTHING } as unknown as Grants,
    sessions: { of: () => ({ id: 'x', json: NOTHING, caller: undefined }) } as unknown as Sessions,
    log: { warn: () => {} } as unknown as RunnerParts['log'],
  });
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
