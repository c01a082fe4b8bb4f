/** The gRPC side of packages. */
import { create } from '@bufbuild/protobuf';
import type { ServedService } from '#common/grpc/service.ts';
import type { Logger } from '#common/observe/log.ts';
import {
  ArchiveReplySchema,
  type ExportPackageRequest,
  type ImportPackageRequest,
  JsonReplySchema,
  type PackageRequest,
  Packages as PackagesService,
  type WriteConfigRequest,
} from '#proto/system/v1/system_pb.ts';
import { jsonBytes } from '../records/batch.ts';
import type { JsonObject } from '../records/model.ts';
import { failureOf, unary } from '../rpc.ts';
import type { Packages } from './packages.ts';

export function packagesService(packages: Packages, log: Logger): ServedService {
  const replying = <I>(work: (request: I) => Promise<JsonObject>) =>
    unary(async (request: I) => {
      try {
        return create(JsonReplySchema, { outcome: { case: 'json', value: jsonBytes(await work(request)) } });
      } catch (error) {
        return create(JsonReplySchema, { outcome: { case: 'failure', value: failureOf(error, log) } });
      }
    });
  return {
    desc: PackagesService,
    implementation: {
      describe: replying((request: PackageRequest) => packages.describe(request)),
      export: unary(async (request: ExportPackageRequest) => {
        try {
          return create(ArchiveReplySchema, { outcome: { case: 'archive', value: await packages.export(request) } });
        } catch (error) {
          return create(ArchiveReplySchema, { outcome: { case: 'failure', value: failureOf(error, log) } });
        }
      }),
      import: replying((request: ImportPackageRequest) => packages.import(request)),
      readConfig: replying((request: PackageRequest) => packages.readConfig(request)),
      writeConfig: replying((request: WriteConfigRequest) => packages.writeConfig(request)),
    },
  };
}
