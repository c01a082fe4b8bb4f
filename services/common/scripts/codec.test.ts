import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CallerSchema,
  EventSchema,
  OutcomeSchema,
  RequestSchema,
  ResponseSchema,
  RunBatchReplySchema,
  RunBatchSchema,
  RunReplySchema,
  RunSchema,
  ScriptKeySchema,
} from '#proto/script/v1/script_pb.ts';
import type { MessageCodec } from '../grpc/service.ts';
import { runBatchCodec, runBatchReplyCodec } from './codec.ts';

const uint = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.nat(3));
const int = fc.oneof(fc.nat(0x7fffffff), fc.integer());
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const text = fc.oneof(fc.constant(''), fc.string({ unit: 'grapheme', maxLength: 300 }));
const bytes = fc.oneof(fc.constant(new Uint8Array()), fc.uint8Array({ maxLength: 20_000 }));

const request = fc.record({
  ...{ method: text, uri: text, service: text, resource: text, query: text, contentType: text },
  ...{ headersJson: bytes, content: bytes, payloadJson: bytes },
});
const response = fc.record({
  statusCode: uint,
  content: bytes,
  isJson: fc.boolean(),
  contentType: text,
  headersJson: bytes,
});
const some = { requiredKeys: [] };
const event = fc.record({ name: text, phase: fc.nat(9), request, response, resourceJson: bytes, absent: uint }, some);
const run = fc.record(
  {
    id: uint,
    timeoutMs: uint,
    script: fc.record({ kind: fc.nat(3), id: int, hash: uint64 }),
    trial: fc.record({ kind: fc.nat(2), id: int, name: text, content: text, hash: uint64 }),
    event,
    sessionJson: bytes,
    grant: bytes,
    requestId: text,
    caller: fc.record({ userId: int, roleId: int, appId: int }),
    sessionId: text,
  },
  some,
);
const runBatch = fc
  .record({ runs: fc.array(run, { maxLength: 5 }), cancels: fc.array(uint, { maxLength: 4 }) })
  .map((init) => create(RunBatchSchema, init as MessageInitShape<typeof RunBatchSchema>));

const outcome = fc.record(
  { requestJson: bytes, responseJson: bytes, returnedJson: bytes, stopPropagation: fc.boolean(), contentJson: bytes },
  some,
);
const runReply = fc.record(
  {
    id: uint,
    outcome: fc.oneof(
      outcome.map((value) => ({ case: 'done' as const, value })),
      text.map((message) => ({ case: 'failure' as const, value: { kind: 1, message, line: 3 } })),
      fc.nat(3).map((value) => ({ case: 'elsewhere' as const, value })),
      fc.constant({ case: undefined }),
    ),
    next: fc.nat(3),
    logs: fc.array(fc.record({ level: fc.nat(4), text }), { maxLength: 2 }),
    cpuMicros: uint,
    memoryBytes: uint64,
    reads: uint,
    repeatable: fc.boolean(),
  },
  some,
);
const runBatchReply = fc
  .array(runReply, { maxLength: 6 })
  .map((replies) => create(RunBatchReplySchema, { replies } as MessageInitShape<typeof RunBatchReplySchema>));

function agree<S extends DescMessage>(
  schema: S,
  codec: MessageCodec<MessageShape<S>>,
  messages: fc.Arbitrary<MessageShape<S>>,
): void {
  fc.assert(
    fc.property(messages, (message) => {
      const generated = toBinary(schema, message);
      expect(Buffer.from(codec.encode(message)).equals(generated)).toBe(true);
      expect(codec.decode(generated)).toEqual(fromBinary(schema, generated));
    }),
    { numRuns: 400 },
  );
}

test('batches are the bytes of the generated codec, and read like them', () => {
  agree(RunBatchSchema, runBatchCodec, runBatch);
});

test('replies are the bytes of the generated codec, and read like them', () => {
  agree(RunBatchReplySchema, runBatchReplyCodec, runBatchReply);
});

/** A field that the codec does not know would be lost in silence: teach it to codec.ts and the messages above, then here. */
test.each([
  { schema: RunBatchSchema, known: 2 },
  { schema: RunSchema, known: 10 },
  { schema: ScriptKeySchema, known: 3 },
  { schema: CallerSchema, known: 3 },
  { schema: EventSchema, known: 6 },
  { schema: RequestSchema, known: 9 },
  { schema: ResponseSchema, known: 5 },
  { schema: RunBatchReplySchema, known: 1 },
  { schema: RunReplySchema, known: 10 },
  { schema: OutcomeSchema, known: 5 },
])('the codec knows all fields of $schema.typeName', ({ schema, known }) => {
  expect(schema.fields.map(({ number }) => number)).toEqual(Array.from({ length: known }, (_, i) => i + 1));
});

test('a message that was cut off is refused, not misread', () => {
  const script = { id: 1, hash: 2n ** 63n };
  const whole = runBatchCodec.encode(create(RunBatchSchema, { runs: [{ id: 7, script }] }));
  for (let length = 1; length < whole.length; length++) {
    expect(() => runBatchCodec.decode(whole.subarray(0, length))).toThrow();
  }
});
