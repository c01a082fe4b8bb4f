/** grpc.reflection.v1: lets a person's tool call our services without a copy of proto/. */
import { create, type DescFile, type DescMessage, type DescService, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '#grpc/reflection/v1/reflection_pb.ts';
import type { ServedService } from './service.ts';

type Answer = ServerReflectionResponse['messageResponse'];

export function reflectionService(services: readonly DescService[]): ServedService {
  const all = [...services, ServerReflection];
  const files = new Map<string, DescFile>();
  for (const service of all) collect(service.file, files);
  const bySymbol = new Map<string, DescFile>();
  for (const file of files.values()) for (const symbol of symbols(file)) bySymbol.set(symbol, file);

  const answer = (request: ServerReflectionRequest['messageRequest']): Answer => {
    switch (request.case) {
      case 'listServices':
        return {
          case: 'listServicesResponse',
          value: { $typeName: 'grpc.reflection.v1.ListServiceResponse', service: all.map(serviceName) },
        };
      case 'fileByFilename':
        return fileAnswer(files.get(request.value));
      case 'fileContainingSymbol':
        return fileAnswer(bySymbol.get(request.value));
      default:
        return errorAnswer(status.UNIMPLEMENTED, 'Extensions are not used here.');
    }
  };

  return {
    desc: ServerReflection,
    implementation: {
      serverReflectionInfo: (call: ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>): void => {
        call.on('data', (request: ServerReflectionRequest) => {
          call.write(
            create(ServerReflectionResponseSchema, {
              validHost: request.host,
              originalRequest: request,
              messageResponse: answer(request.messageRequest),
            }),
          );
        });
        call.on('end', () => call.end());
      },
    },
  };
}

function serviceName(service: DescService): { $typeName: 'grpc.reflection.v1.ServiceResponse'; name: string } {
  return { $typeName: 'grpc.reflection.v1.ServiceResponse', name: service.typeName };
}

function collect(file: DescFile, into: Map<string, DescFile>): void {
  if (into.has(file.proto.name)) return;
  into.set(file.proto.name, file);
  for (const dependency of file.dependencies) collect(dependency, into);
}

function* symbols(file: DescFile): Generator<string> {
  for (const service of file.services) {
    yield service.typeName;
    for (const method of service.methods) yield `${service.typeName}.${method.name}`;
  }
  for (const message of file.messages) yield* symbolsWithin(message);
  for (const enumeration of file.enums) yield enumeration.typeName;
}

function* symbolsWithin(message: DescMessage): Generator<string> {
  yield message.typeName;
  for (const nested of message.nestedMessages) yield* symbolsWithin(nested);
  for (const enumeration of message.nestedEnums) yield enumeration.typeName;
}

function fileAnswer(file: DescFile | undefined): Answer {
  if (!file) return errorAnswer(status.NOT_FOUND, 'No such file or symbol.');
  return {
    case: 'fileDescriptorResponse',
    value: {
      $typeName: 'grpc.reflection.v1.FileDescriptorResponse',
      fileDescriptorProto: [toBinary(FileDescriptorProtoSchema, file.proto)],
    },
  };
}

function errorAnswer(errorCode: number, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { $typeName: 'grpc.reflection.v1.ErrorResponse', errorCode, errorMessage } };
}
