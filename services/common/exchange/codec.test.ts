import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Batch,
  type BatchReply,
  BatchReplySchema,
  BatchSchema,
  CallerSchema,
  OperationSchema,
  ReplySchema,
  ResultSchema,
} from '#proto/data/v1/data_pb.ts';
import type { MessageCodec } from '../grpc/service.ts';
import { EXCHANGE_CODECS } from './codec.ts';

const batchCodec = EXCHANGE_CODECS.get(BatchSchema.typeName) as unknown as MessageCodec<Batch>;
const replyCodec = EXCHANGE_CODECS.get(BatchReplySchema.typeName) as unknown as MessageCodec<BatchReply>;

const uint = fc.integer({ min: 0, max: 0xffffffff });
const text = fc.string({ unit: 'grapheme', maxLength: 300 });
const bytes = fc.uint8Array({ maxLength: 40_000 });
const value = fc.oneof(
  text.map((v) => ({ kind: { case: 'text' as const, value: v } })),
  text.map((v) => ({ kind: { case: 'number' as const, value: v } })),
  fc.boolean().map((v) => ({ kind: { case: 'boolean' as const, value: v } })),
  fc.constant({ kind: { case: 'null' as const, value: true } }),
  fc.constant({}),
);
const operation = fc.record({
  id: uint,
  timeoutMs: uint,
  form: fc.oneof(
    bytes.map((v) => ({ case: 'encodedShape' as const, value: v })),
    text.map((v) => ({ case: 'ticket' as const, value: v })),
    fc.constant({ case: 'shape' as const, value: { service: 'db' } }),
    fc.constant({ case: undefined }),
  ),
  keys: fc.array(value, { maxLength: 4 }),
  parameters: fc.array(value, { maxLength: 4 }),
  records: bytes,
  caller: fc.option(
    fc.record({
      userId: fc.nat(0x7fffffff),
      roleId: fc.nat(0x7fffffff),
      appId: fc.nat(0x7fffffff),
      isAdmin: fc.boolean(),
    }),
    { nil: undefined },
  ),
  requestId: text,
});
const batch = fc
  .record({ operations: fc.array(operation, { maxLength: 6 }), cancels: fc.array(uint, { maxLength: 4 }) })
  .map(({ operations, cancels }) =>
    create(BatchSchema, {
      cancels,
      operations: operations.map(({ caller, ...rest }) => (caller ? { ...rest, caller } : rest)) as never,
    }),
  );
const reply = fc.record({
  id: uint,
  outcome: fc.oneof(
    bytes.map((json) => ({ case: 'result' as const, value: { json } })),
    bytes.map((json) => ({ case: 'result' as const, value: { json, count: 5n, dropped: ['a'] } })),
    bytes.map((json) => ({ case: 'result' as const, value: { json, foreign: [{ values: ['1'] }] } })),
    text.map((message) => ({ case: 'error' as const, value: { code: 'invalid', message } })),
    fc.constant({ case: 'parked' as const, value: { ticket: 't', bytes: 9 } }),
    fc.constant({ case: undefined }),
  ),
});
const batchReply = fc
  .array(reply, { maxLength: 6 })
  .map((replies) => create(BatchReplySchema, { replies: replies as never }));

test('batches are the bytes of the generated codec, and read like them', () => {
  fc.assert(
    fc.property(batch, (message) => {
      const generated = toBinary(BatchSchema, message);
      expect(toBinary(BatchSchema, fromBinary(BatchSchema, batchCodec.encode(message)))).toEqual(generated);
      expect(toBinary(BatchSchema, batchCodec.decode(generated))).toEqual(generated);
    }),
    { numRuns: 300 },
  );
});

test('replies are the bytes of the generated codec, and read like them', () => {
  fc.assert(
    fc.property(batchReply, (message) => {
      const generated = toBinary(BatchReplySchema, message);
      expect(toBinary(BatchReplySchema, fromBinary(BatchReplySchema, replyCodec.encode(message)))).toEqual(generated);
      expect(toBinary(BatchReplySchema, replyCodec.decode(generated))).toEqual(generated);
    }),
    { numRuns: 300 },
  );
});

/** A field that the codec does not know would be lost in silence: teach it to codec.ts and the messages above, then here. */
test.each([
  { schema: BatchSchema, known: 2 },
  { schema: OperationSchema, known: 10 },
  { schema: CallerSchema, known: 4 },
  { schema: BatchReplySchema, known: 1 },
  { schema: ReplySchema, known: 4 },
  { schema: ResultSchema, known: 9 },
])('the codec knows all fields of $schema.typeName', ({ schema, known }) => {
  expect(schema.fields.map(({ number }) => number)).toEqual(Array.from({ length: known }, (_, i) => i + 1));
});

test('a message that was cut off is refused, not misread', () => {
  const message = create(BatchSchema, { operations: [{ id: 7, requestId: 'abc' }] });
  const bytesOfIt = batchCodec.encode(message);
  expect(() => batchCodec.decode(bytesOfIt.subarray(0, bytesOfIt.length - 1))).toThrow();
});
