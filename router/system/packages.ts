/** `system/package` and `system/config_package`: passed to the system service, which alone reads secrets (system-api §5.14). */
import { create } from '@bufbuild/protobuf';
import { invalid } from '#common/errors.ts';
import type { Channel } from '#common/grpc/channel.ts';
import { parseJson, stringifyJson } from '#common/json.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { Result } from '#proto/data/v1/data_pb.ts';
import {
  ExportPackageRequestSchema,
  type ImportOptions,
  ImportOptionsSchema,
  ImportPackageRequestSchema,
  type JsonReply,
  PackageRequestSchema,
  type Packages,
  WriteConfigRequestSchema,
} from '#proto/system/v1/system_pb.ts';
import type { PackageFiles } from '../app-packages/package-files.ts';
import type { Principal } from '../authenticate/principal.ts';
import { callerOf } from '../forward/operation.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import { isMultipart, parseMultipart } from '../parse/multipart.ts';
import { isTrue } from '../parse/query.ts';
import { jsonWithout, objectOf } from './body.ts';
import { errorOf, noAnswer, resultOf, resultOfReply } from './replies.ts';
import { nothingBelow, unsupportedVerb } from './resources.ts';

/** An installation of ten thousand users is written one record after the other. */
const TIMEOUT_MS = 120_000;

const RESOURCES = new Set(['package', 'config_package']);
const FILE_FIELDS = new Set(['file', 'files', 'files[]']);
const ZIP_TYPES = /^application\/(zip|x-zip-compressed|octet-stream)\b/i;

/** JSON, or a file to be kept. */
export type PackageAnswer =
  | { readonly kind: 'json'; readonly status: 200 | 201; readonly result: Result }
  | { readonly kind: 'archive'; readonly bytes: Uint8Array; readonly filename: string };

export class PackageCalls {
  readonly #channel: Channel<typeof Packages>;

  constructor(channel: Channel<typeof Packages>) {
    this.#channel = channel;
  }

  serves({ segments }: ApiRequest, { type }: Service): boolean {
    return type === 'system' && RESOURCES.has(segments[0]?.toLowerCase() ?? '');
  }

  /** @throws MillraceError */
  async call(request: ApiRequest, principal: Principal, files: PackageFiles): Promise<PackageAnswer> {
    const { segments, verb } = request;
    if (segments.length > 1) throw nothingBelow(request);
    if (verb !== 'GET' && verb !== 'POST') throw unsupportedVerb(request);
    if (segments[0]?.toLowerCase() === 'config_package') return this.#config(request, principal);
    if (verb === 'GET') {
      const asked = { systemOnly: request.query.flag('system_only'), caller: callerOf(principal) };
      const answer = done(await this.#channel.call('describe', create(PackageRequestSchema, asked), TIMEOUT_MS));
      return asked.systemOnly ? answer : withFiles(answer, request, principal, files);
    }
    const archive = archiveOf(request);
    return archive ? this.#import(archive, request, principal, files) : this.#export(request, principal, files);
  }

  async #config(request: ApiRequest, principal: Principal): Promise<PackageAnswer> {
    if (request.verb === 'GET') {
      const asked = create(PackageRequestSchema, { caller: callerOf(principal) });
      return done(await this.#channel.call('readConfig', asked, TIMEOUT_MS));
    }
    const configJson = jsonWithout(objectOf(request), 'overwrite', 'dry_run');
    const call = create(WriteConfigRequestSchema, { configJson, options: optionsOf(request, principal) });
    return done(await this.#channel.call('writeConfig', call, TIMEOUT_MS));
  }

  async #export(request: ApiRequest, principal: Principal, files: PackageFiles): Promise<PackageAnswer> {
    const manifest = objectOf(request);
    if ('import_url' in manifest || request.query.has('import_url')) {
      throw invalid("A package is not fetched from elsewhere: send it as a file, in the place of 'import_url'.", {
        import_url: ['not taken'],
      });
    }
    const { wanted, rest } = files.selected(manifest);
    const call = create(ExportPackageRequestSchema, {
      manifestJson: jsonWithout(rest, 'storage'),
      caller: callerOf(principal),
    });
    const { outcome } = await this.#channel.call('export', call, TIMEOUT_MS);
    if (outcome.case !== 'archive') throw outcome.case === 'failure' ? errorOf(outcome.value) : noAnswer();
    const { id } = request.http;
    const bytes = wanted.length === 0 ? outcome.value : await files.added(outcome.value, wanted, principal, id);
    const filename = `package_${day()}.zip`;
    if (manifest['storage'] == null) return { kind: 'archive', bytes, filename };
    const stored = await files.stored(bytes, manifest['storage'], filename, principal, id);
    return { kind: 'json', status: 200, result: resultOf(Buffer.from(stringifyJson(stored))) };
  }

  async #import(
    archive: Uint8Array,
    request: ApiRequest,
    principal: Principal,
    files: PackageFiles,
  ): Promise<PackageAnswer> {
    const password = request.option('password');
    const { members, rest } = await files.taken(archive);
    const call = create(ImportPackageRequestSchema, {
      archive: rest,
      password: typeof password === 'string' ? password : '',
      options: optionsOf(request, principal),
    });
    const result = resultOfReply(await this.#channel.call('import', call, TIMEOUT_MS));
    const said = parseJson(result.json) as Imported;
    const isWhole = !said.dry_run && Object.keys(said.log['skipped'] ?? {}).length === 0;
    if (members.length === 0 || said.dry_run) return { kind: 'json', status: isWhole ? 201 : 200, result };
    const log = await files.written(members, call.options?.overwrite ?? false, principal, request.http.id);
    const json = Buffer.from(stringifyJson(withLog(said, log)));
    const isAll = isWhole && log.skipped.length === 0 && log.failed.length === 0;
    return { kind: 'json', status: isAll ? 201 : 200, result: resultOf(json, result.dropped) };
  }
}

interface Imported {
  readonly success: boolean;
  readonly dry_run?: boolean;
  readonly log: Readonly<Record<string, object>>;
}

/** Records are all there or none; of files each is there or not. */
function withLog(said: Imported, files: Awaited<ReturnType<PackageFiles['written']>>): Imported {
  const log: Record<string, object> = { ...said.log };
  for (const [what, paths] of Object.entries(files)) {
    if (paths.length > 0) log[what] = { ...(log[what] ?? {}), file: paths };
  }
  return { ...said, success: said.success && files.failed.length === 0, log };
}

async function withFiles(
  answer: PackageAnswer,
  { http }: ApiRequest,
  principal: Principal,
  files: PackageFiles,
): Promise<PackageAnswer> {
  if (answer.kind !== 'json') return answer;
  const manifest = await files.described(parseJson(answer.result.json) as Record<string, unknown>, principal, http.id);
  return { ...answer, result: resultOf(Buffer.from(stringifyJson(manifest)), answer.result.dropped) };
}

const done = (reply: JsonReply): PackageAnswer => ({ kind: 'json', status: 200, result: resultOfReply(reply) });

const day = (): string => new Date().toISOString().slice(0, 10);

function optionsOf(request: ApiRequest, principal: Principal): ImportOptions {
  const flag = (name: string): boolean => isTrue(String(request.option(name) ?? ''));
  return create(ImportOptionsSchema, {
    overwrite: flag('overwrite'),
    dryRun: flag('dry_run'),
    caller: callerOf(principal),
    requestId: request.http.id,
  });
}

/** A file of a form, or the body itself. @returns undefined where none was sent. @throws MillraceError invalid */
function archiveOf({ http }: ApiRequest): Uint8Array | undefined {
  const type = http.header('content-type') ?? '';
  if (http.body.length > 0 && ZIP_TYPES.test(type)) return http.body;
  if (!isMultipart(type)) return undefined;
  const files = parseMultipart(type, http.body).filter(({ name }) => FILE_FIELDS.has(name));
  const [file] = files;
  if (!file || files.length > 1) throw invalid("A package is one file in the field 'files'.", { files: ['one file'] });
  return file.content;
}
