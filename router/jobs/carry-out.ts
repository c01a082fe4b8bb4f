/** What a job is to a router: a script to run, or a call of the API. */
import { fromBinary } from '@bufbuild/protobuf';
import { SCRIPT_ANSWER_BYTES_MAX } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { type LogLine, RunSchema, type Script, Script_Kind } from '#proto/script/v1/script_pb.ts';
import type { Job } from '#proto/system/v1/system_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { answerOf, type Handle, innerRequest } from '../http/inner-call.ts';
import { knownPrincipal } from '../script/grant.ts';
import type { ScriptRunner } from '../script/runner.ts';
import type { CarryOut, JobOutcome } from './worker.ts';

export interface CarryOutParts {
  readonly state: AccessState;
  readonly runner: ScriptRunner;
  /** The pipeline. */
  readonly handle: Handle;
  readonly timeoutMs: number;
}

const NOTHING = new Uint8Array();
/** Kept of an answer. */
const RESULT_BYTES_MAX = 16 * 1024;
const TOO_LARGE = 'The answer is too large to be kept.';

export function carryOut(parts: CarryOutParts): CarryOut {
  return async (job) => {
    try {
      return job.kind === 'schedule' ? await callApi(job, parts) : await runScript(job, parts);
    } catch (error) {
      const { code, message } = MillraceError.from(error);
      return failed(message, code === 'denied' || code === 'not_found' || code === 'invalid');
    }
  };
}

const failed = (message: string, isFinal: boolean, statusCode = 0): JobOutcome => ({
  failed: { message, isFinal, statusCode },
});

/** @throws MillraceError when its caller is no more; overloaded, deadline */
async function runScript(job: Job, { state, runner, timeoutMs }: CarryOutParts): Promise<JobOutcome> {
  const { script: key, event } = fromBinary(RunSchema, job.work);
  const script = key && scriptOf(state, key.kind, key.id);
  if (!script || !event) return failed('The script is no more.', true);
  const call = { principal: principalOf(job, state), requestId: `job-${job.id}`, deadline: Deadline.after(timeoutMs) };
  const { logs, failure } = await runner.queued(script, event, call);
  const text = logs.map(({ text: line }: LogLine) => line).join('\n');
  if (failure) return { failed: { message: failure, isFinal: false, statusCode: 0 }, logs: text };
  return { done: { statusCode: 200, resultJson: NOTHING }, logs: text };
}

function scriptOf(state: AccessState, kind: Script_Kind, id: number): Script | undefined {
  return kind === Script_Kind.SERVICE ? state.services.get(id)?.script : state.eventScripts.get(id)?.script;
}

/** @throws MillraceError denied */
function principalOf({ userId, appId, roleId }: Job, state: AccessState): Principal {
  const user = userId === 0 ? undefined : state.users.get(userId);
  const app = appId === 0 ? undefined : state.apps.get(appId);
  const isGone = (userId !== 0 && !user?.isActive) || (appId !== 0 && !app?.isActive);
  if (isGone) throw new MillraceError('denied', 'Whoever the job is done for is no more, or not active.');
  return knownPrincipal(state, user, app, roleId);
}

/** A task without a user and an app acts for the installation itself: only who holds everything can make one. */
function taskPrincipal(job: Job, state: AccessState): Principal {
  const principal = principalOf(job, state);
  return job.userId === 0 && job.appId === 0 ? { ...principal, isAdmin: true } : principal;
}

async function callApi(job: Job, parts: CarryOutParts): Promise<JobOutcome> {
  const { service, component, verb, payload } = JSON.parse(Buffer.from(job.work).toString()) as Readonly<
    Record<string, unknown>
  >;
  // As in the address of a call: its segments are encoded already, and it may end with a query.
  const [below = '', query = ''] = String(component ?? '').split(/\?(.*)/s);
  const path = [encodeURIComponent(String(service)), ...below.split('/')].filter((part) => part !== '' && part !== '*');
  const body = payload === null || payload === undefined ? NOTHING : payloadBytes(job.work);
  const http = innerRequest({
    ...{ method: String(verb ?? 'GET'), path: `/api/v2/${path.join('/').replaceAll(' ', '%20')}`, query, body },
    headers: body.length > 0 ? { 'content-type': 'application/json' } : {},
  });
  const principal = taskPrincipal(job, parts.state);
  const { status, body: answer } = await answerOf(http, principal, parts.handle, SCRIPT_ANSWER_BYTES_MAX, TOO_LARGE);
  const resultJson = answer.length <= RESULT_BYTES_MAX ? answer : NOTHING;
  if (status < 400) return { done: { statusCode: status, resultJson } };
  // What is busy, or away, may be better later on.
  return failed(messageIn(answer) ?? `Answered with ${status}.`, status < 500 && status !== 429, status);
}

/** As it was written: a number may have more digits than ours. */
function payloadBytes(work: Uint8Array): Uint8Array {
  const text = Buffer.from(work).toString();
  const at = text.indexOf('"payload":') + '"payload":'.length;
  return Buffer.from(text.slice(at, -1));
}

function messageIn(answer: Uint8Array): string | undefined {
  try {
    return (JSON.parse(Buffer.from(answer).toString()) as { error?: { message?: string } }).error?.message;
  } catch {
    return undefined;
  }
}
