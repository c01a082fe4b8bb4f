/** Runs one script: in which lane, for whom, and what its failure is to the API. */
import { setTimeout as sleep } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { LRUCache } from 'lru-cache';
import { SCRIPT_DEPTH_MAX } from '#common/bounds.ts';
import type { Deadline } from '#common/deadline.ts';
import { deadlinePassed } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { Logger } from '#common/observe/log.ts';
import type { ScriptLine } from '#common/scripts/line.ts';
import { isNotBegun } from '#common/scripts/replies.ts';
import {
  type Event,
  type Failure,
  Failure_Kind as Kind,
  Lane,
  type LogLine,
  type Outcome,
  type Run,
  type RunReply,
  RunSchema,
  type Script,
} from '#proto/script/v1/script_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { ScriptError } from './error.ts';
import type { Grants } from './grant.ts';
import type { Sessions } from './session.ts';

/** The first script of an installation starts the workers: its first call waits for them. */
const WORKER_START_MS = 2_000;
const WORKER_POLL_MS = 50;
/** Scripts whose lane is remembered. */
const LANES_MAX = 10_000;

export interface ScriptLines {
  readonly quick: ScriptLine;
  readonly patient: ScriptLine;
}

/** For whom, and for which call. */
export interface RunCall {
  readonly principal: Principal;
  readonly requestId: string;
  readonly deadline: Deadline;
}

export interface RunnerParts {
  /** undefined: there is no tier that runs scripts. */
  readonly lines: ScriptLines | undefined;
  readonly grants: Grants;
  readonly sessions: Sessions;
  readonly log: Logger;
}

export class ScriptRunner {
  readonly #parts: RunnerParts;
  /** By the hash of the script; not there: patient, until it has proved itself. */
  readonly #lanes = new LRUCache<bigint, Lane>({ max: LANES_MAX });

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /**
   * @returns what the script left behind
   * @throws ScriptError when it has thrown or was ended
   * @throws MillraceError overloaded when there is no worker for it, deadline
   */
  async run(script: Script, event: Event, call: RunCall): Promise<Outcome> {
    const run = this.#message(script, event, call);
    const { outcome, next } = await this.#send(script, run, call.deadline);
    if (next !== Lane.UNSPECIFIED) this.#lanes.set(script.hash, next);
    if (outcome.case === 'done') return outcome.value;
    throw this.#failed(script, outcome.case === 'failure' ? outcome.value : undefined, call);
  }

  /** Runs a script that is stored nowhere, in the patient lane. @throws MillraceError overloaded, deadline */
  try(script: Script, event: Event, call: RunCall): Promise<RunReply> {
    const run = this.#message(script, event, call);
    delete run.script;
    run.trial = script;
    return this.#patient(run, call.deadline);
  }

  /** Runs a script that nobody waits for. @returns its log lines, and why it has failed. @throws MillraceError overloaded */
  async queued(
    script: Script,
    event: Event,
    call: RunCall,
  ): Promise<{ readonly logs: readonly LogLine[]; readonly failure: string | undefined }> {
    const { outcome, logs } = await this.#patient(this.#message(script, event, call), call.deadline);
    if (outcome.case === 'done') return { logs, failure: undefined };
    const failure = outcome.case === 'failure' ? outcome.value : undefined;
    return { logs, failure: this.#failed(script, failure, call).message };
  }

  close(): Promise<unknown> {
    const { lines } = this.#parts;
    return Promise.all([lines?.quick.close(), lines?.patient.close()]);
  }

  #message(script: Script, event: Event, { principal, requestId }: RunCall): Run {
    const depth = principal.scriptDepth ?? 0;
    if (depth >= SCRIPT_DEPTH_MAX) {
      throw new ScriptError(`Scripts call each other through the API: more than ${SCRIPT_DEPTH_MAX} deep is refused.`);
    }
    const { grants, sessions } = this.#parts;
    const session = sessions.of(principal);
    return create(RunSchema, {
      script: { $typeName: 'millrace.script.v1.ScriptKey', kind: script.kind, id: script.id, hash: script.hash },
      event,
      sessionJson: session.json,
      caller: session.caller,
      grant: grants.of(principal, depth + 1),
      requestId,
    });
  }

  async #send(script: Script, run: Run, deadline: Deadline): Promise<RunReply> {
    const { lines } = this.#parts;
    if (!lines || this.#lanes.get(script.hash) !== Lane.QUICK) return this.#patient(run, deadline);
    try {
      const reply = await lines.quick.send(run, deadline);
      if (isRun(reply)) return reply;
    } catch (error) {
      if (deadline.reason) throw error;
      // A quick run has touched nothing: whatever became of it, it may be done again.
    }
    this.#lanes.delete(script.hash);
    return this.#patient(run, deadline);
  }

  async #patient(run: Run, deadline: Deadline): Promise<RunReply> {
    const { lines } = this.#parts;
    if (!lines) throw busy('There is nothing here that runs scripts.');
    const until = Math.min(Date.now() + WORKER_START_MS, deadline.at);
    for (;;) {
      try {
        return await lines.patient.send(run, deadline);
      } catch (error) {
        if (!isNotBegun(error) || Date.now() >= until) throw translated(error);
        await sleep(WORKER_POLL_MS);
      }
    }
  }

  #failed(script: Script, failure: Failure | undefined, { requestId }: RunCall): MillraceError {
    const { kind = Kind.UNKNOWN, message = '', line, column, file, thrownJson } = failure ?? {};
    this.#parts.log.warn(
      { requestId, script: script.name, file: file || undefined, line, column, reason: message },
      'a script has failed',
    );
    switch (kind) {
      case Kind.THROWN:
        return new ScriptError(message, thrownOf(thrownJson));
      case Kind.CAPPED:
        return new ScriptError(message);
      case Kind.DEADLINE:
        return deadlinePassed();
      case Kind.LOST:
        return busy('The worker of the script is gone.', new Error('The run was begun.'));
      case Kind.BUSY:
        return busy('Too many scripts are running.');
      default:
        return busy('The script is not known where scripts are run.');
    }
  }
}

const NOT_RUN: ReadonlySet<Kind> = new Set([Kind.LOST, Kind.BUSY, Kind.UNKNOWN]);

/** It came to an end of its own, and not to one of its worker's. */
const isRun = ({ outcome }: RunReply): boolean =>
  outcome.case === 'done' || (outcome.case === 'failure' && !NOT_RUN.has(outcome.value.kind));

/** Where scripts cannot be run at all: the caller may come again, unless he brings too much. */
function translated(error: unknown): unknown {
  const { code, message, cause } = MillraceError.from(error);
  if (code === 'limited') return new ScriptError(message);
  if (code !== 'unavailable') return error;
  return busy('The script workers cannot be reached.', isNotBegun(error) ? undefined : cause);
}

/** @param cause  of a run that may have been begun */
const busy = (message: string, cause?: unknown): MillraceError =>
  new MillraceError('overloaded', message, undefined, cause);

function thrownOf(json: Uint8Array | undefined): unknown {
  if (!json || json.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.from(json).toString());
  } catch {
    return undefined;
  }
}
