/** A store, an API and runs for tests of the sandbox. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import pino from 'pino';
import { Deadline } from '#common/deadline.ts';
import { NO_OUTBOUND } from '#common/outbound/policy.ts';
import {
  CallerSchema,
  type EventSchema,
  Phase,
  type Run,
  type RunReply,
  RunSchema,
  type Script,
  Script_Kind,
  ScriptSchema,
} from '#proto/script/v1/script_pb.ts';
import { DEFAULT_CAPS } from '../caps.ts';
import { type ApiAnswer, type ApiCall, Sandbox, type SandboxOptions } from '../sandbox.ts';

export type EventInit = MessageInitShape<typeof EventSchema>;

export interface ScriptInit {
  readonly name?: string;
  readonly type?: string;
  readonly content: string;
  readonly config?: unknown;
}

export const bytes = (value: unknown): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

/** Of a POST of one record. */
export const EVENT = {
  name: 'db._table.todo.post.pre_process',
  phase: Phase.PRE_PROCESS,
  request: {
    method: 'POST',
    uri: '/api/v2/db/_table/todo?fields=id',
    service: 'db',
    resource: '_table/todo?fields=id',
    query: 'fields=id',
    headersJson: bytes({ host: 'h', 'content-type': 'application/json' }),
    content: bytes({ resource: [{ name: 'x' }] }),
    contentType: 'application/json',
  },
  resourceJson: bytes('"todo"'),
} satisfies EventInit;

export const AFTERWARDS = {
  ...EVENT,
  name: 'db._table.todo.get.post_process',
  phase: Phase.POST_PROCESS,
  response: {
    statusCode: 200,
    content: bytes({ resource: [{ id: 1, name: 'x' }] }),
    isJson: true,
    contentType: 'application/json',
    headersJson: bytes({}),
  },
} satisfies EventInit;

export const SESSION = {
  user: { id: 7, email: 'a@b.c' },
  role: { name: 'r' },
  app: { id: 3 },
  api_key: 'k',
  session_token: 't',
};

/** A sandbox with scripts that can be replaced, and an API that is one function. */
export class Bench {
  readonly scripts = new Map<string, Script>();
  readonly calls: ApiCall[] = [];
  lookups: Record<string, { value: string; isPrivate: boolean }> = {};
  answer: (call: ApiCall) => Promise<ApiAnswer> | ApiAnswer = (call) => json(200, { path: call.path });
  readonly sandbox: Sandbox;
  #runs = 0;
  #versions = 0n;

  constructor(options: Partial<SandboxOptions> = {}) {
    this.sandbox = new Sandbox({
      lane: 'patient',
      store: {
        find: (key) => [...this.scripts.values()].find((one) => one.id === key.id && one.hash === key.hash),
        byName: (name) => this.scripts.get(name),
        lookups: () => this.lookups,
      },
      api: {
        call: async (call) => {
          this.calls.push(call);
          return this.answer(call);
        },
      },
      platformConfig: () => CONFIG,
      caps: DEFAULT_CAPS,
      fetch: NO_OUTBOUND,
      threads: { nice: 0 },
      log: pino({ level: process.env['SANDBOX_LOG'] ?? 'silent' }),
      ...options,
    });
  }

  store(init: ScriptInit): Script {
    const name = init.name ?? 'a.script';
    const before = this.scripts.get(name);
    const script = create(ScriptSchema, {
      kind: Script_Kind.EVENT,
      id: before?.id ?? this.scripts.size + 1,
      name,
      type: init.type ?? 'nodejs',
      content: init.content,
      configJson: init.config === undefined ? new Uint8Array() : bytes(init.config),
      hash: ++this.#versions,
    });
    this.scripts.set(name, script);
    return script;
  }

  /** Runs a stored script. */
  run(script: Script, event: EventInit = EVENT, user = 7, timeoutMs = 30_000): Promise<RunReply> {
    const { kind, id, hash } = script;
    return this.sandbox.run(this.asRun({ kind, id, hash }, event, user), Deadline.after(timeoutMs));
  }

  asRun(script: { kind: Script_Kind; id: number; hash: bigint }, event: EventInit = EVENT, user = 7): Run {
    return create(RunSchema, {
      id: ++this.#runs,
      script,
      event,
      sessionJson: bytes({ ...SESSION, user: { ...SESSION.user, id: user } }),
      requestId: 'r',
      grant: bytes('grant'),
      caller: create(CallerSchema, { userId: user, roleId: 2, appId: 3 }),
    });
  }

  /** Runs a text that is stored nowhere, with its logs in the reply. */
  try(init: ScriptInit, event: EventInit = EVENT): Promise<RunReply> {
    const run = this.asRun({ kind: Script_Kind.EVENT, id: 0, hash: 0n }, event);
    delete run.script;
    run.trial = this.store({ ...init, name: init.name ?? 'trial' });
    return this.sandbox.run(run, Deadline.after(30_000));
  }
}

const CONFIG = { version: '1.2.3', api_version: '2.0', always_wrap_resources: true };

export function json(status: number, value: unknown): ApiAnswer {
  return { status, headers: {}, contentType: 'application/json', body: bytes(value) };
}

const withContent = (response: unknown, content: unknown): unknown =>
  content === undefined ? response : { ...(response as object | undefined), content };

/** The parts of a reply as values: what the router reads. */
export function read(reply: RunReply) {
  const parse = (part: Uint8Array): unknown =>
    part.length === 0 ? undefined : JSON.parse(Buffer.from(part).toString());
  const { outcome } = reply;
  switch (outcome.case) {
    case 'done':
      return {
        request: parse(outcome.value.requestJson),
        response: withContent(parse(outcome.value.responseJson), parse(outcome.value.contentJson)),
        returned: parse(outcome.value.returnedJson),
        stop: outcome.value.stopPropagation,
      };
    case 'failure':
      return {
        kind: outcome.value.kind,
        message: outcome.value.message,
        at: `${outcome.value.file}:${outcome.value.line}:${outcome.value.column}`,
        thrown: parse(outcome.value.thrownJson),
      };
    default:
      return { elsewhere: outcome.value };
  }
}
