/**
 * Content and Upload by hand, where they are bytes and nothing else: those are copied once into the message, and taken
 * out of one as a view. The bytes are those of the generated codec, which has the rest.
 */
import { type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { type Content, ContentSchema, type Upload, UploadSchema } from '#proto/files/v1/files_pb.ts';
import { BYTES, tag } from '../exchange/bytes.ts';
import type { Codecs, MessageCodec } from '../grpc/service.ts';

/** Of a field's number and of a length. */
const HEAD_BYTES_MAX = 6;

const CONTENT_BYTES = tag(3, BYTES);
const UPLOAD_BYTES = tag(2, BYTES);

const contentCodec: MessageCodec<Content> = {
  encode: (content) => {
    const isPlain =
      content.entry === undefined && content.failure === undefined && !content.line && content.family === 0;
    return isPlain ? encodeBytes(CONTENT_BYTES, content.bytes) : toBinary(ContentSchema, content);
  },
  decode: (message) => {
    const bytes = onlyField(CONTENT_BYTES, message);
    if (!bytes) return whole(ContentSchema, message) as Content;
    return { $typeName: 'millrace.files.v1.Content', family: 0, bytes };
  },
};

const uploadCodec: MessageCodec<Upload> = {
  encode: (upload) => {
    const isPlain = upload.head === undefined && !upload.done;
    return isPlain ? encodeBytes(UPLOAD_BYTES, upload.bytes) : toBinary(UploadSchema, upload);
  },
  decode: (message) => {
    const bytes = onlyField(UPLOAD_BYTES, message);
    if (!bytes) return whole(UploadSchema, message) as Upload;
    return { $typeName: 'millrace.files.v1.Upload', bytes, done: false };
  },
};

export const FILE_CODECS: Codecs = new Map<string, MessageCodec<never>>([
  [ContentSchema.typeName, contentCodec as MessageCodec<never>],
  [UploadSchema.typeName, uploadCodec as MessageCodec<never>],
]);

const whole = (schema: DescMessage, message: Uint8Array): Message => fromBinary(schema, message);

function encodeBytes(key: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return NOTHING;
  const message = Buffer.allocUnsafe(HEAD_BYTES_MAX + bytes.length);
  let at = 0;
  message[at++] = key;
  let length = bytes.length;
  while (length > 0x7f) {
    message[at++] = (length & 0x7f) | 0x80;
    length >>>= 7;
  }
  message[at++] = length;
  message.set(bytes, at);
  return message.subarray(0, at + bytes.length);
}

/** Where the message is this field and nothing behind it: a view of its bytes. */
function onlyField(key: number, message: Uint8Array): Uint8Array | undefined {
  if (message.length === 0) return NOTHING;
  if (message[0] !== key) return undefined;
  let [length, at, shift] = [0, 1, 0];
  for (;;) {
    const byte = message[at++];
    if (byte === undefined || at > HEAD_BYTES_MAX) return undefined; // the generated codec says what is wrong with it
    length |= (byte & 0x7f) << shift;
    shift += 7;
    if (byte < 0x80) break;
  }
  return at + length === message.length ? message.subarray(at) : undefined;
}

const NOTHING = new Uint8Array();
