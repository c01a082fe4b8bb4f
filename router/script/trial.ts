/** `POST system/event_script/{name}/_test`: a script is run against an event that the caller makes up. */
import { create } from '@bufbuild/protobuf';
import { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError, notFound } from '#common/errors.ts';
import { parseJson, stringifyJson } from '#common/json.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import { ReadSchema, Selection_Kind, SelectionSchema, ShapeSchema, Target } from '#proto/data/v1/data_pb.ts';
import {
  type Event,
  Failure_Kind,
  LogLine_Level,
  Phase,
  type RunReply,
  type Script,
  Script_Kind,
  ScriptSchema,
} from '#proto/script/v1/script_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { Forwarder } from '../forward/forward.ts';
import { toOperation } from '../forward/operation.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import { responseIn } from './changes.ts';
import { eventOf, responseMessage } from './event.ts';
import type { EventResource } from './events.ts';
import type { ScriptRunner } from './runner.ts';

type Json = Readonly<Record<string, unknown>>;

const WORD = '_test';
const TYPES = new Set(['nodejs', 'v8js']);
const PHASES: ReadonlyMap<string, Phase> = new Map([
  ['pre_process', Phase.PRE_PROCESS],
  ['post_process', Phase.POST_PROCESS],
  ['queued', Phase.QUEUED],
]);
const FAILURES: Readonly<Record<Failure_Kind, string>> = {
  [Failure_Kind.UNSPECIFIED]: 'unknown',
  [Failure_Kind.THROWN]: 'thrown',
  [Failure_Kind.CAPPED]: 'capped',
  [Failure_Kind.LOST]: 'lost',
  [Failure_Kind.DEADLINE]: 'deadline',
  [Failure_Kind.BUSY]: 'busy',
  [Failure_Kind.UNKNOWN]: 'unknown',
};

interface Trial {
  readonly request: ApiRequest;
  readonly service: Service;
  readonly principal: Principal;
  readonly deadline: Deadline;
}

const LEVELS: Readonly<Record<LogLine_Level, string>> = {
  [LogLine_Level.UNSPECIFIED]: 'info',
  [LogLine_Level.DEBUG]: 'debug',
  [LogLine_Level.INFO]: 'info',
  [LogLine_Level.WARN]: 'warn',
  [LogLine_Level.ERROR]: 'error',
};

export class ScriptTrials {
  readonly #runner: ScriptRunner;
  readonly #forwarder: Forwarder;
  readonly #timeoutMs: number;

  constructor(runner: ScriptRunner, forwarder: Forwarder, timeoutMs: number) {
    this.#runner = runner;
    this.#forwarder = forwarder;
    this.#timeoutMs = timeoutMs;
  }

  serves({ segments }: ApiRequest, service: Service): boolean {
    const [first, , last] = segments;
    return (
      service.type === 'system' && segments.length === 3 && first?.toLowerCase() === 'event_script' && last === WORD
    );
  }

  /**
   * @returns what the script left behind, or why it has failed and where; its log lines, its CPU time and its memory
   * @throws MillraceError denied for whoever is no administrator: a script acts for whoever calls it
   */
  async answer(request: ApiRequest, service: Service, principal: Principal): Promise<Json> {
    if (request.verb !== 'POST') throw new MillraceError('unsupported', `${request.verb} is not supported here.`);
    if (!principal.isAdmin) throw new MillraceError('denied', 'Only an administrator can try out scripts.');
    const name = request.segments[1] as string;
    const body = objectIn(request.body.value(), 'body');
    const deadline = new Deadline(request.http.receivedAt + this.#timeoutMs);
    const script = await this.#script(name, body, { request, service, principal, deadline });
    const event = sampleEvent(name, objectIn(body['event'] ?? {}, 'event'));
    const began = performance.now();
    const reply = await this.#runner.try(script, event, { principal, requestId: request.http.id, deadline });
    return shown(reply, performance.now() - began);
  }

  /** What the body says of it; what it leaves out is taken from the script that is stored. */
  async #script(name: string, { content, type, config }: Json, call: Trial): Promise<Script> {
    const stored = content === undefined || type === undefined ? await this.#stored(name, call) : undefined;
    if (content === undefined && !stored) throw notFound(`There is no event script '${name}', and no content to try.`);
    const named = type ?? stored?.['type'] ?? 'nodejs';
    if (typeof named !== 'string' || !TYPES.has(named)) {
      throw invalid(`The type '${String(named)}' is none that scripts are run in here.`, { field: 'type' });
    }
    if (content === undefined && stored?.['storage_service_id'] && stored['storage_path']) {
      throw invalid(`The script '${name}' is in a file: send what shall be tried as its content.`, {
        field: 'content',
      });
    }
    const text = content ?? stored?.['content'] ?? '';
    if (typeof text !== 'string') throw invalid('The content must be the text of a script.', { field: 'content' });
    const settings = config ?? stored?.['config'] ?? '{}';
    return create(ScriptSchema, {
      ...{ kind: Script_Kind.EVENT, name, type: named, content: text },
      configJson: Buffer.from(typeof settings === 'string' ? settings : stringifyJson(settings)),
    });
  }

  async #stored(name: string, { request, service, principal, deadline }: Trial): Promise<Json | undefined> {
    const selection = create(SelectionSchema, { kind: Selection_Kind.ALL });
    const value = create(ReadSchema, { table: 'event_script', target: Target.ONE, selection });
    const shape = create(ShapeSchema, { service: service.name.toLowerCase(), action: { case: 'read', value } });
    const keys = [{ $typeName: 'millrace.data.v1.Value' as const, kind: { case: 'text' as const, value: name } }];
    const parts = { keys, records: new Uint8Array() };
    const operation = toOperation(request.http.id, parts, { shape, parameters: [] }, principal);
    try {
      const { result } = await this.#forwarder.send(service.tier, operation, deadline, true);
      return parseJson(result.json) as Json;
    } catch (error) {
      if (MillraceError.from(error).code === 'not_found') return undefined;
      throw error;
    }
  }
}

/** An event as scripts see it, from whatever of it was given. */
function sampleEvent(name: string, { request, response, resource }: Json): Event {
  const parts = name.split('.');
  const phase = PHASES.get(parts.at(-1) ?? '') ?? Phase.PRE_PROCESS;
  const { method, parameters, headers, payload, content, content_type, uri } = objectIn(request ?? {}, 'event.request');
  const {
    status_code,
    content: answer,
    content_type: type,
    headers: sent,
  } = objectIn(response ?? {}, 'event.response');
  const query = new URLSearchParams(textsIn(parameters, 'event.request.parameters')).toString();
  const path = parts.slice(1, -2).join('/');
  const message = {
    $typeName: 'millrace.script.v1.Request' as const,
    method: typeof method === 'string' ? method.toUpperCase() : (parts.at(-2) ?? 'get').toUpperCase(),
    uri: typeof uri === 'string' ? uri : `/api/v2/${parts[0]}/${path}${query ? `?${query}` : ''}`,
    service: parts[0] ?? '',
    resource: path,
    query,
    headersJson: Buffer.from(stringifyJson(textsIn(headers, 'event.request.headers'))),
    content: Buffer.from(typeof content === 'string' ? content : payload === undefined ? '' : stringifyJson(payload)),
    contentType: typeof content_type === 'string' ? content_type : 'application/json',
    payloadJson: payload === undefined ? new Uint8Array() : Buffer.from(stringifyJson(payload)),
  };
  const isText = typeof answer === 'string';
  const answered = responseMessage({
    status: Number(status_code ?? 200),
    headers: Object.entries(textsIn(sent, 'event.response.headers')),
    contentType: typeof type === 'string' ? type : undefined,
    content: Buffer.from(isText ? answer : stringifyJson(answer ?? null)),
    isJson: !isText,
  });
  return eventOf(name, phase, message, resourceIn(resource), phase === Phase.PRE_PROCESS ? undefined : answered);
}

/** A text, or parts of a path by their placeholders. */
function resourceIn(given: unknown): EventResource {
  if (typeof given === 'string') return given;
  return given === undefined || given === null ? null : textsIn(given, 'event.resource');
}

function shown({ outcome, logs, cpuMicros, memoryBytes }: RunReply, milliseconds: number): Json {
  return {
    ...outcomeShown(outcome),
    logs: logs.map(({ level, text }) => ({ level: LEVELS[level], text })),
    cpu_ms: cpuMicros / 1000,
    wall_ms: Math.round(milliseconds * 1000) / 1000,
    memory_bytes: Number(memoryBytes),
  };
}

function outcomeShown(outcome: RunReply['outcome']): Json {
  if (outcome.case === 'done') {
    const { requestJson, returnedJson, stopPropagation } = outcome.value;
    return {
      success: true,
      request: valueIn(requestJson),
      response: responseIn(outcome.value) ?? null,
      returned: valueIn(returnedJson),
      stop_propagation: stopPropagation,
    };
  }
  if (outcome.case !== 'failure') return { success: false, error: { kind: 'unknown', message: '' } };
  const { kind, message, line, column, file } = outcome.value;
  const place = line > 0 ? { line, column, file: file || null } : { line: null, column: null, file: null };
  return { success: false, error: { kind: FAILURES[kind], message, ...place } };
}

/** null: the script left it as it was. */
const valueIn = (json: Uint8Array): unknown => (json.length > 0 ? parseJson(json) : null);

function objectIn(value: unknown, field: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw invalid(`'${field}' must be an object.`, { field });
}

function textsIn(value: unknown, field: string): Record<string, string> {
  const entries = Object.entries(objectIn(value ?? {}, field));
  return Object.fromEntries(entries.map(([name, text]) => [name, String(text)]));
}
