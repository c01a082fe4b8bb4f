import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { type Content, ContentSchema, Family, type Upload, UploadSchema } from '#proto/files/v1/files_pb.ts';
import type { MessageCodec } from '../grpc/service.ts';
import { FILE_CODECS } from './codec.ts';

const contentCodec = FILE_CODECS.get(ContentSchema.typeName) as unknown as MessageCodec<Content>;
const uploadCodec = FILE_CODECS.get(UploadSchema.typeName) as unknown as MessageCodec<Upload>;
const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, n) => n % 256);

const CONTENTS: MessageInitShape<typeof ContentSchema>[] = [
  {},
  ...[1, 127, 128, 16_383, 16_384, 65_536, 2_097_152].map((length) => ({ bytes: bytesOf(length) })),
  { entry: { path: 'a', size: 5n }, family: Family.LOCAL },
  { family: Family.OBJECT, bytes: bytesOf(3) },
  { failure: { code: 'not_found', message: 'No.' } },
];
test.each(CONTENTS.map((init) => create(ContentSchema, init)))(
  'a Content is what the generated codec makes of it',
  (content) => {
    const encoded = contentCodec.encode(content);
    expect(Buffer.compare(encoded, toBinary(ContentSchema, content))).toBe(0);
    expect(toBinary(ContentSchema, contentCodec.decode(encoded))).toEqual(toBinary(ContentSchema, content));
  },
);

const UPLOADS: MessageInitShape<typeof UploadSchema>[] = [
  {},
  { bytes: bytesOf(1) },
  { bytes: bytesOf(65_536) },
  { head: { path: 'a', size: 7n, context: { service: 'files' } } },
  { done: true },
  { done: true, bytes: bytesOf(200) },
];
test.each(UPLOADS.map((init) => create(UploadSchema, init)))(
  'an Upload is what the generated codec makes of it',
  (upload) => {
    const encoded = uploadCodec.encode(upload);
    expect(Buffer.compare(encoded, toBinary(UploadSchema, upload))).toBe(0);
    expect(toBinary(UploadSchema, uploadCodec.decode(encoded))).toEqual(toBinary(UploadSchema, upload));
  },
);

test.each([[0x1a], [0x1a, 0xff], [0x1a, 0x05, 1, 2], [0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]])(
  'what ends too early is refused: %j …',
  (...message) => {
    expect(() => fromBinary(ContentSchema, Uint8Array.from(message))).toThrow();
    expect(() => contentCodec.decode(Uint8Array.from(message))).toThrow();
  },
);

test('bytes are taken out as a view', () => {
  const encoded = contentCodec.encode(create(ContentSchema, { bytes: bytesOf(1000) }));
  expect(contentCodec.decode(encoded).bytes.buffer).toBe(encoded.buffer);
});
