/**
 * RunBatch and RunBatchReply by hand, as those of the data exchange (exchange/codec.ts): a call with two scripts travels
 * four times. The bytes are those of the generated codec (codec.test.ts holds the two against each other); what is rare
 * is left to it.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type Caller,
  type Event,
  EventSchema,
  type Lane,
  type Outcome,
  OutcomeSchema,
  type Phase,
  type Request,
  RequestSchema,
  type Response,
  ResponseSchema,
  type Run,
  type RunBatch,
  type RunBatchReply,
  RunBatchSchema,
  type RunReply,
  RunReplySchema,
  RunSchema,
  type Script_Kind,
  type ScriptKey,
  ScriptKeySchema,
} from '#proto/script/v1/script_pb.ts';
import { BYTES, ByteReader, ByteWriter, FIXED64, tag, VARINT } from '../exchange/bytes.ts';
import type { MessageCodec } from '../grpc/service.ts';

const writer = new ByteWriter();
const NOTHING = new Uint8Array();

export const runBatchCodec: MessageCodec<RunBatch> = {
  encode: (batch) => {
    writer.reset();
    for (const run of batch.runs) writeRun(run);
    if (batch.cancels.length > 0) {
      const start = writer.beginNested(tag(2, BYTES));
      for (const id of batch.cancels) writer.varint(id);
      writer.endNested(start);
    }
    return writer.copy();
  },
  decode: (bytes) => {
    const reader = new ByteReader(bytes);
    const runs: Run[] = [];
    let cancels: number[] = [];
    while (!reader.done) {
      const key = reader.varint();
      if (key === tag(1, BYTES)) runs.push(readRun(reader.bytes()));
      else {
        // Cancels are rare, and what a newer peer adds is unknown: the generated codec reads them.
        cancels = fromBinary(RunBatchSchema, bytes).cancels;
        reader.skip(key & 7);
      }
    }
    return { $typeName: 'millrace.script.v1.RunBatch', runs, cancels };
  },
};

export const runBatchReplyCodec: MessageCodec<RunBatchReply> = {
  encode: (batch) => {
    writer.reset();
    for (const reply of batch.replies) writeReply(reply);
    return writer.copy();
  },
  decode: (bytes) => {
    const reader = new ByteReader(bytes);
    const replies: RunReply[] = [];
    while (!reader.done) {
      const key = reader.varint();
      if (key === tag(1, BYTES)) replies.push(readReply(reader.bytes()));
      else reader.skip(key & 7);
    }
    return { $typeName: 'millrace.script.v1.RunBatchReply', replies };
  },
};

function bytesField(field: number, bytes: Uint8Array): void {
  if (bytes.length > 0) writer.bytesField(tag(field, BYTES), bytes);
}

function stringField(field: number, text: string): void {
  if (text !== '') writer.stringField(tag(field, BYTES), text);
}

function uintField(field: number, value: number): void {
  writer.uintField(tag(field, VARINT), value);
}

/** Numbers below zero have ten bytes; nobody has such an id. */
const hasOddIds = ({ script, caller }: Run): boolean =>
  (script !== undefined && script.id < 0) ||
  (caller !== undefined && (caller.userId < 0 || caller.roleId < 0 || caller.appId < 0));

function writeRun(run: Run): void {
  if (run.trial || hasOddIds(run)) {
    writer.bytesField(tag(1, BYTES), toBinary(RunSchema, run));
    return;
  }
  const start = writer.beginNested(tag(1, BYTES));
  uintField(1, run.id);
  uintField(2, run.timeoutMs);
  if (run.script) writeKey(run.script);
  if (run.event) writeEvent(run.event);
  bytesField(6, run.sessionJson);
  bytesField(7, run.grant);
  stringField(8, run.requestId);
  if (run.caller) writeCaller(run.caller);
  stringField(10, run.sessionId);
  writer.endNested(start);
}

function writeKey(key: ScriptKey): void {
  const start = writer.beginNested(tag(3, BYTES));
  uintField(1, key.kind);
  uintField(2, key.id);
  writer.fixed64Field(tag(3, FIXED64), key.hash);
  writer.endNested(start);
}

function writeCaller(caller: Caller): void {
  const start = writer.beginNested(tag(9, BYTES));
  uintField(1, caller.userId);
  uintField(2, caller.roleId);
  uintField(3, caller.appId);
  writer.endNested(start);
}

function writeEvent(event: Event): void {
  const start = writer.beginNested(tag(5, BYTES));
  stringField(1, event.name);
  uintField(2, event.phase);
  if (event.request) writeRequest(event.request);
  if (event.response) writeResponse(event.response);
  bytesField(5, event.resourceJson);
  uintField(6, event.absent);
  writer.endNested(start);
}

function writeRequest(request: Request): void {
  const start = writer.beginNested(tag(3, BYTES));
  stringField(1, request.method);
  stringField(2, request.uri);
  stringField(3, request.service);
  stringField(4, request.resource);
  stringField(5, request.query);
  bytesField(6, request.headersJson);
  bytesField(7, request.content);
  stringField(8, request.contentType);
  bytesField(9, request.payloadJson);
  writer.endNested(start);
}

function writeResponse(response: Response): void {
  const start = writer.beginNested(tag(4, BYTES));
  uintField(1, response.statusCode);
  bytesField(2, response.content);
  if (response.isJson) uintField(3, 1);
  stringField(4, response.contentType);
  bytesField(5, response.headersJson);
  writer.endNested(start);
}

function readRun(bytes: Uint8Array): Run {
  const run: Run = {
    $typeName: 'millrace.script.v1.Run',
    id: 0,
    timeoutMs: 0,
    sessionJson: NOTHING,
    grant: NOTHING,
    requestId: '',
    sessionId: '',
  };
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    if (key === tag(1, VARINT)) run.id = reader.varint();
    else if (key === tag(2, VARINT)) run.timeoutMs = reader.varint();
    else if (key === tag(3, BYTES)) run.script = readKey(reader.bytes());
    else if (key === tag(5, BYTES)) run.event = readEvent(reader.bytes());
    else if (key === tag(6, BYTES)) run.sessionJson = reader.bytes();
    else if (key === tag(7, BYTES)) run.grant = reader.bytes();
    else if (key === tag(8, BYTES)) run.requestId = reader.string();
    else if (key === tag(9, BYTES)) run.caller = readCaller(reader.bytes());
    else if (key === tag(10, BYTES)) run.sessionId = reader.string();
    else return fromBinary(RunSchema, bytes);
  }
  return run;
}

function readKey(bytes: Uint8Array): ScriptKey {
  const script: ScriptKey = { $typeName: 'millrace.script.v1.ScriptKey', kind: 0, id: 0, hash: 0n };
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    if (key === tag(1, VARINT)) script.kind = reader.varint() as Script_Kind;
    else if (key === tag(2, VARINT)) script.id = reader.varint() | 0;
    else if (key === tag(3, FIXED64)) script.hash = reader.fixed64();
    else return fromBinary(ScriptKeySchema, bytes);
  }
  return script;
}

function readCaller(bytes: Uint8Array): Caller {
  const caller: Caller = { $typeName: 'millrace.script.v1.Caller', userId: 0, roleId: 0, appId: 0 };
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    if (key === tag(1, VARINT)) caller.userId = reader.varint() | 0;
    else if (key === tag(2, VARINT)) caller.roleId = reader.varint() | 0;
    else if (key === tag(3, VARINT)) caller.appId = reader.varint() | 0;
    else reader.skip(key & 7);
  }
  return caller;
}

function readEvent(bytes: Uint8Array): Event {
  const event: Event = { $typeName: 'millrace.script.v1.Event', name: '', phase: 0, resourceJson: NOTHING, absent: 0 };
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    if (key === tag(1, BYTES)) event.name = reader.string();
    else if (key === tag(2, VARINT)) event.phase = reader.varint() as Phase;
    else if (key === tag(3, BYTES)) event.request = readRequest(reader.bytes());
    else if (key === tag(4, BYTES)) event.response = readResponse(reader.bytes());
    else if (key === tag(5, BYTES)) event.resourceJson = reader.bytes();
    else if (key === tag(6, VARINT)) event.absent = reader.varint();
    else return fromBinary(EventSchema, bytes);
  }
  return event;
}

function readRequest(bytes: Uint8Array): Request {
  const request: Request = {
    $typeName: 'millrace.script.v1.Request',
    method: '',
    uri: '',
    service: '',
    resource: '',
    query: '',
    headersJson: NOTHING,
    content: NOTHING,
    contentType: '',
    payloadJson: NOTHING,
  };
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    if (key === tag(1, BYTES)) request.method = reader.string();
    else if (key === tag(2, BYTES)) request.uri = reader.string();
    else if (key === tag(3, BYTES)) request.service = reader.string();
    else if (key === tag(4, BYTES)) request.resource = reader.string();
    else if (key === tag(5, BYTES)) request.query = reader.string();
    else if (key === tag(6, BYTES)) request.headersJson = reader.bytes();
    else if (key === tag(7, BYTES)) request.content = reader.bytes();
    else if (key === tag(8, BYTES)) request.contentType = reader.string();
    else if (key === tag(9, BYTES)) request.payloadJson = reader.bytes();
    else return fromBinary(RequestSchema, bytes);
  }
  return request;
}

function readResponse(bytes: Uint8Array): Response {
  const response: Response = {
    $typeName: 'millrace.script.v1.Response',
    statusCode: 0,
    content: NOTHING,
    isJson: false,
    contentType: '',
    headersJson: NOTHING,
  };
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    if (key === tag(1, VARINT)) response.statusCode = reader.varint();
    else if (key === tag(2, BYTES)) response.content = reader.bytes();
    else if (key === tag(3, VARINT)) response.isJson = reader.varint() !== 0;
    else if (key === tag(4, BYTES)) response.contentType = reader.string();
    else if (key === tag(5, BYTES)) response.headersJson = reader.bytes();
    else return fromBinary(ResponseSchema, bytes);
  }
  return response;
}

function writeReply(reply: RunReply): void {
  const { outcome } = reply;
  if (outcome.case === 'failure' || reply.logs.length > 0) {
    writer.bytesField(tag(1, BYTES), toBinary(RunReplySchema, reply));
    return;
  }
  const start = writer.beginNested(tag(1, BYTES));
  uintField(1, reply.id);
  if (outcome.case === 'done') writeOutcome(outcome.value);
  else if (outcome.case === 'elsewhere') {
    // A member of a oneof is written also where it is 0.
    writer.varint(tag(4, VARINT));
    writer.varint(outcome.value);
  }
  uintField(5, reply.next);
  uintField(7, reply.cpuMicros);
  writer.uint64Field(tag(8, VARINT), reply.memoryBytes);
  uintField(9, reply.reads);
  if (reply.repeatable) uintField(10, 1);
  writer.endNested(start);
}

function writeOutcome(outcome: Outcome): void {
  const start = writer.beginNested(tag(2, BYTES));
  bytesField(1, outcome.requestJson);
  bytesField(2, outcome.responseJson);
  bytesField(3, outcome.returnedJson);
  if (outcome.stopPropagation) uintField(4, 1);
  bytesField(5, outcome.contentJson);
  writer.endNested(start);
}

function readReply(bytes: Uint8Array): RunReply {
  const reply: RunReply = {
    $typeName: 'millrace.script.v1.RunReply',
    id: 0,
    outcome: { case: undefined },
    next: 0,
    logs: [],
    cpuMicros: 0,
    memoryBytes: 0n,
    reads: 0,
    repeatable: false,
  };
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    if (key === tag(1, VARINT)) reply.id = reader.varint();
    else if (key === tag(2, BYTES)) reply.outcome = { case: 'done', value: readOutcome(reader.bytes()) };
    else if (key === tag(4, VARINT)) reply.outcome = { case: 'elsewhere', value: reader.varint() as Lane };
    else if (key === tag(5, VARINT)) reply.next = reader.varint() as Lane;
    else if (key === tag(7, VARINT)) reply.cpuMicros = reader.varint();
    else if (key === tag(8, VARINT)) reply.memoryBytes = reader.varint64();
    else if (key === tag(9, VARINT)) reply.reads = reader.varint();
    else if (key === tag(10, VARINT)) reply.repeatable = reader.varint() !== 0;
    else return fromBinary(RunReplySchema, bytes);
  }
  return reply;
}

function readOutcome(bytes: Uint8Array): Outcome {
  const outcome: Outcome = {
    $typeName: 'millrace.script.v1.Outcome',
    requestJson: NOTHING,
    responseJson: NOTHING,
    returnedJson: NOTHING,
    stopPropagation: false,
    contentJson: NOTHING,
  };
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    if (key === tag(1, BYTES)) outcome.requestJson = reader.bytes();
    else if (key === tag(2, BYTES)) outcome.responseJson = reader.bytes();
    else if (key === tag(3, BYTES)) outcome.returnedJson = reader.bytes();
    else if (key === tag(4, VARINT)) outcome.stopPropagation = reader.varint() !== 0;
    else if (key === tag(5, BYTES)) outcome.contentJson = reader.bytes();
    else return fromBinary(OutcomeSchema, bytes);
  }
  return outcome;
}
