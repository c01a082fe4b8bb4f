/**
 * Batch and BatchReply by hand: they travel by the ten thousand, and the generated codec looks at every field of every
 * message. The bytes are those of the generated codec (codec.test.ts holds the two against each other); rare parts
 * are left to it.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type Batch,
  type BatchReply,
  BatchReplySchema,
  BatchSchema,
  type Caller,
  type Operation,
  OperationSchema,
  type Reply,
  ReplySchema,
  type Result,
  type Value,
  ValueSchema,
} from '#proto/data/v1/data_pb.ts';
import type { Codecs, MessageCodec } from '../grpc/service.ts';
import { BYTES, ByteReader, ByteWriter, tag, VARINT } from './bytes.ts';

const writer = new ByteWriter();

const batchCodec: MessageCodec<Batch> = {
  encode: (batch) => {
    writer.reset();
    for (const operation of batch.operations) writeOperation(operation);
    if (batch.cancels.length > 0) {
      const start = writer.beginNested(tag(2, BYTES));
      for (const id of batch.cancels) writer.varint(id);
      writer.endNested(start);
    }
    return writer.copy();
  },
  decode: (bytes) => {
    const reader = new ByteReader(bytes);
    const operations: Operation[] = [];
    let cancels: number[] = [];
    while (!reader.done) {
      const key = reader.varint();
      if (key === tag(1, BYTES)) operations.push(readOperation(reader.bytes()));
      else {
        // Cancels are rare, and what a newer peer adds is unknown: the generated codec reads them.
        cancels = fromBinary(BatchSchema, bytes).cancels;
        reader.skip(key & 7);
      }
    }
    return { $typeName: 'millrace.data.v1.Batch', operations, cancels };
  },
};

const batchReplyCodec: MessageCodec<BatchReply> = {
  encode: (batch) => {
    writer.reset();
    for (const reply of batch.replies) writeReply(reply);
    return writer.copy();
  },
  decode: (bytes) => {
    const reader = new ByteReader(bytes);
    const replies: Reply[] = [];
    while (!reader.done) {
      const key = reader.varint();
      if (key === tag(1, BYTES)) replies.push(readReply(reader.bytes()));
      else reader.skip(key & 7);
    }
    return { $typeName: 'millrace.data.v1.BatchReply', replies };
  },
};

/** For the Exchange stream; all other messages have the generated codec. */
export const EXCHANGE_CODECS: Codecs = new Map<string, MessageCodec<never>>([
  [BatchSchema.typeName, batchCodec as MessageCodec<never>],
  [BatchReplySchema.typeName, batchReplyCodec as MessageCodec<never>],
]);

function writeOperation(operation: Operation): void {
  if (operation.form.case === 'shape') {
    writer.bytesField(tag(1, BYTES), toBinary(OperationSchema, operation));
    return;
  }
  const start = writer.beginNested(tag(1, BYTES));
  writer.uintField(tag(1, VARINT), operation.id);
  writer.uintField(tag(2, VARINT), operation.timeoutMs);
  if (operation.form.case === 'encodedShape') writer.bytesField(tag(3, BYTES), operation.form.value);
  else if (operation.form.case === 'ticket') writer.stringField(tag(5, BYTES), operation.form.value);
  for (const key of operation.keys) writeValue(tag(6, BYTES), key);
  for (const parameter of operation.parameters) writeValue(tag(7, BYTES), parameter);
  if (operation.records.length > 0) writer.bytesField(tag(8, BYTES), operation.records);
  if (operation.caller) writeCaller(operation.caller);
  if (operation.requestId !== '') writer.stringField(tag(10, BYTES), operation.requestId);
  writer.endNested(start);
}

function writeValue(key: number, value: Value): void {
  if (value.kind.case === 'text' || value.kind.case === 'number') {
    const start = writer.beginNested(key);
    writer.stringField(tag(value.kind.case === 'text' ? 1 : 2, BYTES), value.kind.value);
    writer.endNested(start);
  } else writer.bytesField(key, toBinary(ValueSchema, value));
}

function writeCaller(caller: Caller): void {
  const start = writer.beginNested(tag(9, BYTES));
  if (caller.userId !== 0) writer.uintField(tag(1, VARINT), caller.userId);
  if (caller.roleId !== 0) writer.uintField(tag(2, VARINT), caller.roleId);
  if (caller.appId !== 0) writer.uintField(tag(3, VARINT), caller.appId);
  if (caller.isAdmin) writer.uintField(tag(4, VARINT), 1);
  writer.endNested(start);
}

function readOperation(bytes: Uint8Array): Operation {
  const operation: Operation = {
    $typeName: 'millrace.data.v1.Operation',
    id: 0,
    timeoutMs: 0,
    form: { case: undefined },
    keys: [],
    parameters: [],
    records: NOTHING,
    requestId: '',
  };
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    switch (key) {
      case tag(1, VARINT):
        operation.id = reader.varint();
        break;
      case tag(2, VARINT):
        operation.timeoutMs = reader.varint();
        break;
      case tag(3, BYTES):
        operation.form = { case: 'encodedShape', value: reader.bytes() };
        break;
      case tag(6, BYTES):
        operation.keys.push(readValue(reader.bytes()));
        break;
      case tag(7, BYTES):
        operation.parameters.push(readValue(reader.bytes()));
        break;
      case tag(8, BYTES):
        operation.records = reader.bytes();
        break;
      case tag(9, BYTES):
        operation.caller = readCaller(reader.bytes());
        break;
      case tag(10, BYTES):
        operation.requestId = reader.string();
        break;
      default:
        return fromBinary(OperationSchema, bytes);
    }
  }
  return operation;
}

function readValue(bytes: Uint8Array): Value {
  const reader = new ByteReader(bytes);
  if (!reader.done) {
    const key = reader.varint();
    const $typeName = 'millrace.data.v1.Value';
    if (key === tag(1, BYTES)) {
      const value = reader.string();
      if (reader.done) return { $typeName, kind: { case: 'text', value } };
    } else if (key === tag(2, BYTES)) {
      const value = reader.string();
      if (reader.done) return { $typeName, kind: { case: 'number', value } };
    }
  }
  return fromBinary(ValueSchema, bytes);
}

function readCaller(bytes: Uint8Array): Caller {
  const caller: Caller = { $typeName: 'millrace.data.v1.Caller', userId: 0, roleId: 0, appId: 0, isAdmin: false };
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    if (key === tag(1, VARINT)) caller.userId = reader.varint();
    else if (key === tag(2, VARINT)) caller.roleId = reader.varint();
    else if (key === tag(3, VARINT)) caller.appId = reader.varint();
    else if (key === tag(4, VARINT)) caller.isAdmin = reader.varint() !== 0;
    else reader.skip(key & 7);
  }
  return caller;
}

function writeReply(reply: Reply): void {
  const { outcome } = reply;
  if (outcome.case !== 'result' || !isPlain(outcome.value)) {
    writer.bytesField(tag(1, BYTES), toBinary(ReplySchema, reply));
    return;
  }
  const start = writer.beginNested(tag(1, BYTES));
  writer.uintField(tag(1, VARINT), reply.id);
  const inner = writer.beginNested(tag(2, BYTES));
  if (outcome.value.json.length > 0) writer.bytesField(tag(1, BYTES), outcome.value.json);
  writer.endNested(inner);
  writer.endNested(start);
}

/** Nothing beside its JSON: the rule. */
function isPlain(result: Result): boolean {
  return (
    result.count === undefined &&
    result.next === undefined &&
    result.schemaJson.length === 0 &&
    result.dropped.length === 0 &&
    result.foreign.length === 0 &&
    result.nextAfter === '' &&
    !result.estimated &&
    !result.created
  );
}

function readReply(bytes: Uint8Array): Reply {
  const reader = new ByteReader(bytes);
  let id = 0;
  while (!reader.done) {
    const key = reader.varint();
    if (key === tag(1, VARINT)) id = reader.varint();
    else if (key === tag(2, BYTES)) {
      const result = readResult(reader.bytes());
      if (!result || !reader.done) break;
      return { $typeName: 'millrace.data.v1.Reply', id, outcome: { case: 'result', value: result } };
    } else break;
  }
  return fromBinary(ReplySchema, bytes);
}

function readResult(bytes: Uint8Array): Result | undefined {
  const reader = new ByteReader(bytes);
  if (reader.done || reader.varint() !== tag(1, BYTES)) return undefined;
  const json = reader.bytes();
  if (!reader.done) return undefined;
  return {
    $typeName: 'millrace.data.v1.Result',
    json,
    schemaJson: NOTHING,
    dropped: [],
    created: false,
    nextAfter: '',
    estimated: false,
    foreign: [],
  };
}

const NOTHING = new Uint8Array();
