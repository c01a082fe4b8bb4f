/** The whole request path without sockets: a forwarder that keeps what would have travelled, and answers at once. */
import { create, fromBinary } from '@bufbuild/protobuf';
import type { RecordPiece } from '#common/connector.ts';
import { Counters } from '#common/limits/counters.ts';
import type { ScriptLine } from '#common/scripts/line.ts';
import { SILENT } from '#common/testing/exchange.ts';
import { type Operation, ResultSchema, type Shape, ShapeSchema } from '#proto/data/v1/data_pb.ts';
import type { Event, Run, RunReply, Script } from '#proto/script/v1/script_pb.ts';
import type { AccessState } from '../access/state.ts';
import { Limits } from '../admit/limits.ts';
import type { Authenticators } from '../authenticate/authenticate.ts';
import type { BasicVerifier } from '../authenticate/basic.ts';
import { IssuerVerifier } from '../authenticate/issuers.ts';
import { TokenVerifier } from '../authenticate/token.ts';
import { Cors } from '../decide/cors.ts';
import type { FileStore } from '../files/call.ts';
import { FileCalls } from '../files/calls.ts';
import { SignedUrls } from '../files/signed-urls.ts';
import type { Forwarded, Forwarder } from '../forward/forward.ts';
import { HotFiles } from '../hosting/hot-files.ts';
import { PublicFiles } from '../hosting/public-files.ts';
import { watchedStore } from '../hosting/watched-store.ts';
import type { JobQueue } from '../jobs/queue.ts';
import { Listings } from '../listings.ts';
import { Documents } from '../openapi/documents.ts';
import { Viewer } from '../openapi/viewer.ts';
import type { ParsedResource } from '../parse/resource.ts';
import { Pipeline, type Stages } from '../pipeline.ts';
import { RememberedCalls } from '../remembered.ts';
import { Grants } from '../script/grant.ts';
import { HeldImports } from '../script/held-import.ts';
import { KeptScriptAnswers } from '../script/kept-answers.ts';
import { Listeners } from '../script/listeners.ts';
import { ScriptRunner } from '../script/runner.ts';
import { ScriptedCalls } from '../script/scripted.ts';
import { Sessions } from '../script/session.ts';
import { ScriptTrials } from '../script/trial.ts';
import { LimitCache } from '../system/limit-cache.ts';
import { type Answer, KeepingReply, requestOf, type Sent } from './request.ts';

export interface Travelled {
  readonly tier: string;
  readonly repeatable: boolean;
  readonly operation: Operation;
  readonly shape: Shape;
  /** What came of the records of an import. */
  readonly imported?: string;
}

export interface Queued {
  readonly kind: string;
  readonly name: string;
  readonly event: Event;
}

export interface Outcome extends Answer {
  readonly travelled: readonly Travelled[];
  /** What was remembered of it, where it went the short way. */
  readonly remembered: ParsedResource | undefined;
}

export interface Behind {
  readonly remembers?: boolean;
  /** What every connector answers. */
  readonly json?: string;
  /** The same by what it is asked. @throws MillraceError as connectors do */
  readonly connector?: (shape: Shape, operation: Operation) => string;
  readonly issuers?: IssuerVerifier;
  /** What the storage tier does. */
  readonly store?: FileStore;
  /** Of public files in memory. */
  readonly hotFilesBytes?: number;
  /** What scripts do. */
  readonly scripts?: (run: Run) => RunReply;
}

/** Calls that are none of its own. */
const NEVER = { serves: () => false };

export class BehindDoor {
  readonly #pipeline: Pipeline;
  #travelled: Travelled[] = [];
  readonly #queued: Queued[] = [];
  #remembered: ParsedResource | undefined;

  constructor(state: AccessState, behind: Behind = {}) {
    const { remembers = true, json = '[]', connector = () => json } = behind;
    const resultOf = (shape: Shape, operation: Operation): Forwarded => {
      const answer = create(ResultSchema, { json: Buffer.from(connector(shape, operation)) });
      return { result: answer, chunks: undefined };
    };
    const forwarder = {
      send: async (tier: string, operation: Operation, _deadline: unknown, repeatable: boolean): Promise<Forwarded> => {
        const shape = shapeOf(operation);
        this.#travelled.push({ tier, repeatable, operation, shape });
        return resultOf(shape, operation);
      },
      stream: (tier: string, operation: Operation) => {
        const shape = shapeOf(operation);
        this.#travelled.push({ tier, repeatable: true, operation, shape });
        return linesOf(() => connector(shape, operation));
      },
      import: async (tier: string, operation: Operation, pieces: AsyncIterable<RecordPiece>): Promise<Forwarded> => {
        const shape = shapeOf(operation);
        let imported = '';
        try {
          for await (const { records } of pieces) imported += Buffer.from(records).toString();
        } finally {
          this.#travelled.push({ tier, repeatable: false, operation, shape, imported });
        }
        return resultOf(shape, operation);
      },
    } as unknown as Forwarder;
    const authenticators: Authenticators = {
      state,
      tokens: new TokenVerifier(state),
      basic: {} as BasicVerifier,
      issuers: behind.issuers ?? new IssuerVerifier(state),
    };
    const limits = new Limits(state, new Counters());
    const memory = new RememberedCalls(authenticators, forwarder, limits, 10_000);
    const noting = {
      find: (...call: Parameters<RememberedCalls['find']>) => {
        const ready = remembers ? memory.find(...call) : undefined;
        this.#remembered = ready?.parsed;
        return ready;
      },
      learn: (...call: Parameters<RememberedCalls['learn']>) => memory.learn(...call),
    } as unknown as RememberedCalls;
    const hot = new HotFiles(behind.hotFilesBytes ?? 1024 * 1024);
    const store = (behind.store && watchedStore(behind.store, hot)) as FileStore;
    const grants = new Grants(state);
    const { scripts } = behind;
    const line: ScriptLine = {
      inFlight: 0,
      close: () => {},
      send: async (run) => (scripts as NonNullable<typeof scripts>)(run),
    };
    const lines = scripts && { quick: line, patient: line, standby: undefined };
    const queue = {
      run: async (kind: string, script: Script, event: Event) => {
        this.#queued.push({ kind, name: script.name, event });
        return this.#queued.length;
      },
    } as unknown as JobQueue;
    const runner = new ScriptRunner({ lines, grants, sessions: new Sessions(state), log: SILENT });
    this.#pipeline = new Pipeline({
      state,
      authenticators,
      remembered: noting,
      limits,
      limitCache: new LimitCache(state, limits),
      cors: new Cors(state),
      systemCalls: { answer: async () => undefined, ...NEVER, emails: NEVER, packages: NEVER },
      listeners: new Listeners(state),
      scripted: new ScriptedCalls({
        ...{ runner, queue, imports: new HeldImports(1000, 1500), kept: new KeptScriptAnswers(state) },
        ...{ timeoutMs: 10_000, log: SILENT },
      }),
      trials: new ScriptTrials(runner, forwarder, 10_000),
      publicFiles: new PublicFiles({
        ...{ state, limits, store, hot },
        ...{ requestTimeoutMs: 10_000, exportTimeoutMs: 10_000 },
      }),
      files: new FileCalls({
        store,
        signedUrls: new SignedUrls(state),
        requestTimeoutMs: 10_000,
        exportTimeoutMs: 10_000,
      }),
      store,
      listings: new Listings(forwarder),
      documents: new Documents({ state, forwarder, requestTimeoutMs: 10_000 }),
      viewer: new Viewer(),
      forwarder,
      idempotency: { applies: () => false },
      status: () => ({ ready: true }),
      requestTimeoutMs: 10_000,
      exportTimeoutMs: 10_000,
      log: SILENT,
    } as unknown as Stages);
  }

  /** What was left for later. */
  get queued(): readonly Queued[] {
    return this.#queued;
  }

  async send(sent: Sent): Promise<Outcome> {
    this.#travelled = [];
    const reply = new KeepingReply();
    this.#pipeline.handle(requestOf(sent), reply);
    const answer = await reply.answer;
    return { ...answer, travelled: this.#travelled, remembered: this.#remembered };
  }
}

function shapeOf({ form }: Operation): Shape {
  if (form.case !== 'encodedShape') throw new Error('routers send encoded shapes');
  return fromBinary(ShapeSchema, form.value);
}

/** An answer as it would be streamed: a record a line. */
async function* linesOf(answer: () => string): AsyncGenerator<Uint8Array> {
  for (const record of JSON.parse(answer()) as unknown[]) yield Buffer.from(`${JSON.stringify(record)}\n`);
}
