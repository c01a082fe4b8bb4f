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
import { EVENT_MEMBERS } from '#common/scripts/members.ts';
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
  type ScriptKey,
} from '#proto/script/v1/script_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { ScriptError } from './error.ts';
import type { ScriptEvent } from './event.ts';
import type { Grants } from './grant.ts';
import { halvesOf, RememberedOutcomes, type ScriptHash } from './outcomes.ts';
import { QuickLane, type QuickRun } from './quick-lane.ts';
import type { Sessions } from './session.ts';

/** The first script of an installation starts the workers: its first call waits for them. */
const WORKER_START_MS = 2_000;
const WORKER_POLL_MS = 50;
const NOTHING = new Uint8Array();
/** Of the runs of a script in the quick lane, one of so many is sent to the worker that stands by. */
const STANDBY_TURN = 32;
/** Scripts that something is known of. */
const SCRIPTS_MAX = 10_000;

/** What runs of a script have told of it. */
interface Known {
  readonly hash: ScriptHash;
  /** Patient, until it has proved itself. */
  lane: Lane;
  /** Runs that were sent into the quick lane. */
  quickRuns: number;
  /** A mask of the members that it has ever looked at; 0: not known. */
  reads: number;
  /** What its runs have looked at, as far as their outcomes are remembered. */
  ways: readonly number[];
}

export interface ScriptLines {
  readonly quick: ScriptLine;
  readonly patient: ScriptLine;
  /** Of a worker without a place, which runs what quick ones run; undefined: there is no such thing. */
  readonly standby: ScriptLine | undefined;
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
  /** The same script comes as another object with each change of the configuration. */
  readonly #knownScripts = new WeakMap<Script, Known>();
  /** By the hash of the script. */
  readonly #known = new LRUCache<bigint, Known>({ max: SCRIPTS_MAX });
  readonly #outcomes = new RememberedOutcomes();
  readonly #quick: QuickLane | undefined;
  readonly #standby: QuickLane | undefined;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#quick = parts.lines && new QuickLane(parts.lines.quick);
    this.#standby = parts.lines?.standby && new QuickLane(parts.lines.standby);
  }

  /**
   * @returns what the script left behind
   * @throws ScriptError when it has thrown or was ended
   * @throws MillraceError overloaded when there is no worker for it, deadline
   */
  async run(script: Script, event: ScriptEvent, call: RunCall): Promise<Outcome> {
    const known = this.#knownOf(script);
    const { outcome, next, reads, repeatable } = await this.#send(script, known, event, call);
    if (next !== Lane.UNSPECIFIED) known.lane = next;
    known.reads |= reads;
    if (outcome.case === 'done') {
      if (repeatable) this.#keep(known, reads, event, call, outcome.value);
      return outcome.value;
    }
    // Whoever was in front of it when it held its worker.
    if (outcome.case === 'failure' && outcome.value.kind === Kind.CAPPED) known.lane = Lane.PATIENT;
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
    return Promise.all([lines?.quick.close(), lines?.patient.close(), lines?.standby?.close()]);
  }

  /** What a pure script has left behind where it saw the same before. */
  remembered(script: Script, event: ScriptEvent, principal: Principal): Outcome | undefined {
    const { hash, ways } = this.#knownOf(script);
    return ways.length === 0
      ? undefined
      : this.#outcomes.find(hash, ways, event, () => this.#parts.sessions.of(principal).id);
  }

  #keep(known: Known, reads: number, event: ScriptEvent, { principal }: RunCall, outcome: Outcome): void {
    const sessionId = (): string => this.#parts.sessions.of(principal).id;
    known.ways = this.#outcomes.keep(known.hash, known.ways, reads, event, sessionId, outcome);
  }

  #knownOf(script: Script): Known {
    let known = this.#knownScripts.get(script);
    if (!known) {
      known = this.#known.get(script.hash) ?? {
        hash: halvesOf(script.hash),
        lane: Lane.PATIENT,
        quickRuns: 0,
        reads: 0,
        ways: [],
      };
      this.#known.set(script.hash, known);
      this.#knownScripts.set(script, known);
    }
    return known;
  }

  /** For a worker that knows the caller, and a script that looks at nothing else. */
  #leanMessage(script: Script, reads: number, event: ScriptEvent, { principal, requestId }: RunCall): Run {
    return {
      $typeName: 'millrace.script.v1.Run',
      id: 0,
      timeoutMs: 0,
      script: keyOf(script),
      event: event.message(EVENT_MEMBERS & ~reads),
      sessionJson: NOTHING,
      grant: NOTHING,
      requestId,
      sessionId: this.#parts.sessions.of(principal).id,
    };
  }

  #message(script: Script, event: Event, { principal, requestId }: RunCall): Run {
    const depth = refuseDepth(principal);
    const { grants, sessions } = this.#parts;
    const session = sessions.of(principal);
    return create(RunSchema, {
      script: keyOf(script),
      event,
      sessionJson: session.json,
      sessionId: session.id,
      caller: session.caller,
      grant: grants.of(principal, depth + 1),
      requestId,
    });
  }

  /** In the lane of the script; where that is held up, in the next one: whichever answers first. */
  #send(script: Script, known: Known, event: ScriptEvent, call: RunCall): Promise<RunReply> {
    const { deadline } = call;
    refuseDepth(call.principal);
    const lanes = this.#lanesOf(known);
    const inFull = (): Run => this.#message(script, event.message(), call);
    const asKnown = (): Run => (known.reads === 0 ? inFull() : this.#leanMessage(script, known.reads, event, call));
    const patiently = once(() => this.#patient(inFull(), deadline));
    const from = (at: number): Promise<RunReply> => {
      const lane = lanes[at];
      if (!lane) return patiently();
      const next = once(() => from(at + 1));
      let isInnocent = false;
      return new Promise((resolve, reject) => {
        const heldUp = (isSuspect: boolean): void => {
          isInnocent = !isSuspect;
          // What may hold its worker shall not hold another one.
          void (isSuspect ? patiently() : next()).then(resolve, () => {});
        };
        quickly(lane, asKnown(), inFull, deadline, { heldUp, runsBefore: known.quickRuns - 1 })
          .then((reply) => {
            if (typeof reply === 'object') return reply;
            if (reply === 'not begun' || isInnocent) return next();
            known.lane = Lane.PATIENT;
            return patiently();
          })
          .then(resolve, reject);
      });
    };
    return from(0);
  }

  /** Those that would be quick now, in the order in which to try them. */
  #lanesOf(known: Known): QuickLane[] {
    if (known.lane !== Lane.QUICK) return [];
    const [quick, standby] = [this.#quick, this.#standby];
    // It shall be warm when it is needed.
    const isItsTurn = ++known.quickRuns % STANDBY_TURN === 0;
    const lanes = isItsTurn ? [standby, quick] : [quick, standby];
    return lanes.filter((lane) => lane?.isOpen) as QuickLane[];
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

/** Begins at the first call; the same for all. */
function once<T>(begin: () => Promise<T>): () => Promise<T> {
  let begun: Promise<T> | undefined;
  return () => {
    begun ??= begin();
    return begun;
  };
}

const NOT_RUN: ReadonlySet<Kind> = new Set([Kind.LOST, Kind.BUSY, Kind.UNKNOWN]);

/** @returns why there is no answer from there. @throws whatever ends the call */
async function quickly(
  quick: QuickLane,
  run: Run,
  inFull: () => Run,
  deadline: Deadline,
  of: QuickRun,
): Promise<RunReply | 'not begun' | 'broken off'> {
  try {
    const first = await quick.send(run, deadline, of);
    const reply = isLacking(first) ? await quick.send(inFull(), deadline, of) : first;
    return isRun(reply) ? reply : 'broken off';
  } catch (error) {
    if (deadline.reason) throw error;
    // A quick run has touched nothing: whatever became of it, it may be done again.
    return isNotBegun(error) ? 'not begun' : 'broken off';
  }
}

/** Its worker wants the event in full, or does not know the caller. */
const isLacking = ({ outcome }: RunReply): boolean => outcome.case === 'elsewhere' && outcome.value === Lane.QUICK;

const keyOf = ({ kind, id, hash }: Script): ScriptKey => ({
  $typeName: 'millrace.script.v1.ScriptKey',
  kind,
  id,
  hash,
});

/** @returns how many scripts have called each other so far. @throws ScriptError */
function refuseDepth({ scriptDepth = 0 }: Principal): number {
  if (scriptDepth < SCRIPT_DEPTH_MAX) return scriptDepth;
  throw new ScriptError(`Scripts call each other through the API: more than ${SCRIPT_DEPTH_MAX} deep is refused.`);
}

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
