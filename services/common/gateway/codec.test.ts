import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Batch, type BatchReply, BatchReplySchema, BatchSchema } from '#proto/gateway/v1/gateway_pb.ts';
import { HEAD_FIELDS_MAX, STREAM_IN_FLIGHT_MAX } from '../bounds.ts';
import type { MessageCodec } from '../grpc/service.ts';
import { GATEWAY_CODECS } from './codec.ts';

const batchCodec = GATEWAY_CODECS.get(BatchSchema.typeName) as unknown as MessageCodec<Batch>;
const replyCodec = GATEWAY_CODECS.get(BatchReplySchema.typeName) as unknown as MessageCodec<BatchReply>;

const uint = fc.integer({ min: 0, max: 0xffffffff });
const text = fc.string({ unit: 'grapheme', maxLength: 300 });
const bytes = fc.uint8Array({ maxLength: 40_000 });
/** A map's keys come back in their order only where they are no numbers. */
const name = text.map((suffix) => `x${suffix}`);

const request = fc.record({
  id: uint,
  verb: text,
  path: text,
  query: text,
  headers: fc.array(fc.tuple(name, text), { maxLength: 5 }).map((pairs) => Object.fromEntries(pairs)),
  body: bytes,
  timeoutMs: uint,
  grant: bytes,
});
const batch = fc
  .record({ requests: fc.array(request, { maxLength: 5 }), cancels: fc.array(uint, { maxLength: 4 }) })
  .map((init) => create(BatchSchema, init as never));
const header = fc.record({ name: text, value: text });
const response = fc.record({ id: uint, status: uint, headers: fc.array(header, { maxLength: 5 }), body: bytes });
const reply = fc
  .record({ responses: fc.array(response, { maxLength: 5 }) })
  .map((init) => create(BatchReplySchema, init as never));

test('a batch has the bytes of the generated codec, and is read from them', () => {
  fc.assert(
    fc.property(batch, (message) => {
      expect(Buffer.from(batchCodec.encode(message))).toEqual(Buffer.from(toBinary(BatchSchema, message)));
      expect(toBinary(BatchSchema, batchCodec.decode(toBinary(BatchSchema, message)))).toEqual(
        toBinary(BatchSchema, message),
      );
    }),
    { numRuns: 200 },
  );
});

test('replies have the bytes of the generated codec, and are read from them', () => {
  fc.assert(
    fc.property(reply, (message) => {
      expect(Buffer.from(replyCodec.encode(message))).toEqual(Buffer.from(toBinary(BatchReplySchema, message)));
      expect(toBinary(BatchReplySchema, replyCodec.decode(toBinary(BatchReplySchema, message)))).toEqual(
        toBinary(BatchReplySchema, message),
      );
    }),
    { numRuns: 200 },
  );
});

test('what a newer peer adds is passed over', () => {
  const extra = Buffer.from([0x78, 1, 0x7a, 2, 1, 2]); // field 15 as a number and as bytes
  const known = toBinary(BatchSchema, create(BatchSchema, { cancels: [7] }));
  expect(batchCodec.decode(Buffer.concat([extra, known])).cancels).toEqual([7]);
});

const FLOODS = [
  { why: 'millions of empty requests', bytes: Buffer.alloc(2 * (STREAM_IN_FLIGHT_MAX + 1)).fill('\x0a\x00') },
  { why: 'millions of cancels', bytes: Buffer.alloc(2 * (STREAM_IN_FLIGHT_MAX + 1)).fill('\x10\x01') },
];
test.each(FLOODS)('$why are no batch', ({ bytes: flood }) => {
  expect(() => batchCodec.decode(flood)).toThrow(RangeError);
});

test('of a flood of headers no more are read than make the request too large', () => {
  const headers = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`x${i}`, '']));
  const flood = batchCodec.encode(create(BatchSchema, { requests: [{ headers }] }));
  const [read] = batchCodec.decode(flood).requests;
  expect(Object.keys(read?.headers ?? {})).toHaveLength(HEAD_FIELDS_MAX + 1);
});
