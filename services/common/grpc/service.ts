/** Joins generated descriptors (protobuf-es) with grpc-js: the one place where the two meet. */
import {
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  toBinary,
} from '@bufbuild/protobuf';
import type { MethodDefinition, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';

/** A service and who answers it: handlers of grpc-js by camelCase method name. */
export interface ServedService {
  readonly desc: DescService;
  readonly implementation: UntypedServiceImplementation;
  /** Instead of the generated encoding, by full message name. */
  readonly codecs?: Codecs;
}

/** Replaces the generated encoding of one message type, for the messages that travel by the ten thousand. */
export interface MessageCodec<T> {
  encode(message: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

export type Codecs = ReadonlyMap<string, MessageCodec<never>>;

const NO_CODECS: Codecs = new Map();

/** The definition grpc-js wants. `codecs`: by full message name, instead of the generated encoding. */
export function serviceDefinition(desc: DescService, codecs: Codecs = NO_CODECS): ServiceDefinition {
  return Object.fromEntries(desc.methods.map((method) => [method.localName, methodDefinition(method, codecs)]));
}

export function methodDefinition(method: DescMethod, codecs: Codecs = NO_CODECS): MethodDefinition<object, object> {
  const request = codec(method.input, codecs);
  const response = codec(method.output, codecs);
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    originalName: method.localName,
    requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
  };
}

function codec(
  schema: DescMessage,
  codecs: Codecs,
): { encode: (message: object) => Buffer; decode: (bytes: Buffer) => object } {
  const own = codecs.get(schema.typeName) as MessageCodec<object> | undefined;
  if (own) return { encode: (message) => asBuffer(own.encode(message)), decode: (bytes) => own.decode(bytes) };
  return {
    encode: (message) => asBuffer(toBinary(schema, message as Message)),
    decode: (bytes) => fromBinary(schema, bytes),
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
