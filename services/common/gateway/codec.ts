/**
 * Request, Response and their batches by hand, for the reason that the exchange has such a codec: they travel by the ten
 * thousand. The bytes are those of the generated codec (codec.test.ts holds the two against each other). What strangers
 * send is bounded while it is read: a message of a few megabytes can hold millions of empty parts.
 */
import {
  type Batch,
  type BatchReply,
  BatchReplySchema,
  BatchSchema,
  type Header,
  type Request,
  RequestSchema,
  type Response,
  ResponseSchema,
} from '#proto/gateway/v1/gateway_pb.ts';
import { HEAD_FIELDS_MAX, STREAM_IN_FLIGHT_MAX } from '../bounds.ts';
import { BYTES, ByteReader, ByteWriter, tag, VARINT } from '../exchange/bytes.ts';
import type { Codecs, MessageCodec } from '../grpc/service.ts';

const NOTHING = new Uint8Array();
const writer = new ByteWriter();

function codec<T>(write: (message: T) => void, read: (bytes: Uint8Array) => T): MessageCodec<never> {
  const encode = (message: T): Uint8Array => {
    writer.reset();
    write(message);
    return writer.copy();
  };
  return { encode, decode: read } as unknown as MessageCodec<never>;
}

export const GATEWAY_CODECS: Codecs = new Map([
  [BatchSchema.typeName, codec(writeBatch, readBatch)],
  [BatchReplySchema.typeName, codec(writeBatchReply, readBatchReply)],
  [RequestSchema.typeName, codec(writeRequest, readRequest)],
  [ResponseSchema.typeName, codec(writeResponse, readResponse)],
]);

function nested<T>(key: number, message: T, write: (message: T) => void): void {
  const start = writer.beginNested(key);
  write(message);
  writer.endNested(start);
}

function textField(key: number, text: string): void {
  if (text !== '') writer.stringField(key, text);
}

function bytesField(key: number, bytes: Uint8Array): void {
  if (bytes.length > 0) writer.bytesField(key, bytes);
}

function writeBatch({ requests, cancels }: Batch): void {
  for (const request of requests) nested(tag(1, BYTES), request, writeRequest);
  if (cancels.length > 0) nested(tag(2, BYTES), cancels, writeNumbers);
}

function writeNumbers(numbers: number[]): void {
  for (const number of numbers) writer.varint(number);
}

/** @throws RangeError for more than a stream may have in flight */
function readBatch(bytes: Uint8Array): Batch {
  const requests: Request[] = [];
  const cancels: number[] = [];
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    if (key === tag(1, BYTES)) requests.push(readRequest(reader.bytes()));
    else if (key === tag(2, BYTES)) {
      const packed = new ByteReader(reader.bytes());
      while (!packed.done) cancels.push(bounded(packed.varint(), cancels));
    } else if (key === tag(2, VARINT)) cancels.push(bounded(reader.varint(), cancels));
    else reader.skip(key & 7);
    if (requests.length > STREAM_IN_FLIGHT_MAX) throw new RangeError('The batch holds too many requests.');
  }
  return { $typeName: BatchSchema.typeName, requests, cancels };
}

function bounded(id: number, cancels: readonly number[]): number {
  if (cancels.length === STREAM_IN_FLIGHT_MAX) throw new RangeError('The batch holds too many cancels.');
  return id;
}

function writeRequest(request: Request): void {
  writer.uintField(tag(1, VARINT), request.id);
  textField(tag(2, BYTES), request.verb);
  textField(tag(3, BYTES), request.path);
  textField(tag(4, BYTES), request.query);
  for (const name in request.headers) {
    const start = writer.beginNested(tag(5, BYTES));
    writer.stringField(tag(1, BYTES), name);
    writer.stringField(tag(2, BYTES), request.headers[name] as string);
    writer.endNested(start);
  }
  bytesField(tag(6, BYTES), request.body);
  writer.uintField(tag(7, VARINT), request.timeoutMs);
  bytesField(tag(8, BYTES), request.grant);
}

/** Of the headers one more than a request may have, at most: that many are refused. */
function readRequest(bytes: Uint8Array): Request {
  const request: Request = {
    $typeName: RequestSchema.typeName,
    id: 0,
    verb: '',
    path: '',
    query: '',
    headers: {},
    body: NOTHING,
    timeoutMs: 0,
    grant: NOTHING,
  };
  let headers = 0;
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    switch (key) {
      case tag(1, VARINT):
        request.id = reader.varint();
        break;
      case tag(2, BYTES):
        request.verb = reader.string();
        break;
      case tag(3, BYTES):
        request.path = reader.string();
        break;
      case tag(4, BYTES):
        request.query = reader.string();
        break;
      case tag(5, BYTES): {
        const entry = reader.bytes();
        if (headers++ <= HEAD_FIELDS_MAX) {
          const { name, value } = readHeader(entry);
          request.headers[name] = value;
        }
        break;
      }
      case tag(6, BYTES):
        request.body = reader.bytes();
        break;
      case tag(7, VARINT):
        request.timeoutMs = reader.varint();
        break;
      case tag(8, BYTES):
        request.grant = reader.bytes();
        break;
      default:
        reader.skip(key & 7);
    }
  }
  return request;
}

/** An entry of a map has the fields of a Header. */
function readHeader(bytes: Uint8Array): Header {
  let name = '';
  let value = '';
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    if (key === tag(1, BYTES)) name = reader.string();
    else if (key === tag(2, BYTES)) value = reader.string();
    else reader.skip(key & 7);
  }
  return { $typeName: 'millrace.gateway.v1.Header', name, value };
}

function writeBatchReply({ responses }: BatchReply): void {
  for (const response of responses) nested(tag(1, BYTES), response, writeResponse);
}

function readBatchReply(bytes: Uint8Array): BatchReply {
  const responses: Response[] = [];
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    if (key === tag(1, BYTES)) responses.push(readResponse(reader.bytes()));
    else reader.skip(key & 7);
  }
  return { $typeName: BatchReplySchema.typeName, responses };
}

function writeResponse(response: Response): void {
  writer.uintField(tag(1, VARINT), response.id);
  writer.uintField(tag(2, VARINT), response.status);
  for (const { name, value } of response.headers) {
    const start = writer.beginNested(tag(3, BYTES));
    textField(tag(1, BYTES), name);
    textField(tag(2, BYTES), value);
    writer.endNested(start);
  }
  bytesField(tag(4, BYTES), response.body);
}

/** Its headers are read when somebody looks at them: most callers want status and body. */
class ReadResponse implements Response {
  readonly $typeName = ResponseSchema.typeName;
  id = 0;
  status = 0;
  body: Uint8Array = NOTHING;
  readonly head: Uint8Array[] = [];
  #headers: Header[] | undefined;

  get headers(): Header[] {
    this.#headers ??= this.head.map(readHeader);
    return this.#headers;
  }
}

function readResponse(bytes: Uint8Array): Response {
  const response = new ReadResponse();
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const key = reader.varint();
    switch (key) {
      case tag(1, VARINT):
        response.id = reader.varint();
        break;
      case tag(2, VARINT):
        response.status = reader.varint();
        break;
      case tag(3, BYTES):
        response.head.push(reader.bytes());
        break;
      case tag(4, BYTES):
        response.body = reader.bytes();
        break;
      default:
        reader.skip(key & 7);
    }
  }
  return response;
}
