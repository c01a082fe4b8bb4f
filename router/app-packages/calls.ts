/** What `system/app` offers beside records: packages in and out, and the end of an application with its files. */
import { invalid } from '#common/errors.ts';
import { componentOfPath, filePath } from '#common/files/path.ts';
import { parseJson } from '#common/json.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import { requireAccess } from '../decide/access.ts';
import { sendValue } from '../encode/answer.ts';
import { presentationOf } from '../encode/presentation.ts';
import { isFileService } from '../files/address.ts';
import { duringCall, type FileStore } from '../files/call.ts';
import type { Handle } from '../http/inner-call.ts';
import { ApiRequest } from '../parse/api-request.ts';
import { isMultipart, parseMultipart } from '../parse/multipart.ts';
import type { ScriptedCall } from '../script/scripted.ts';
import { Api, type JsonObject } from './api.ts';
import { filesOf, membersOf, packageName, sendPackage } from './export.ts';
import { isObject, readAppPackage } from './format.ts';
import { importApp } from './import.ts';

export interface AppPackagesInit {
  readonly state: AccessState;
  readonly store: FileStore;
  readonly requestTimeoutMs: number;
  readonly exportTimeoutMs: number;
}

const STORED = 1;
const FILE_FIELDS = new Set(['file', 'files', 'files[]']);
/** Who carries the option of our own calls: they are plain ones on records. */
const DONE = ['pkg', 'delete_storage'] as const;

export class AppPackages {
  readonly #init: AppPackagesInit;
  readonly #handle: Handle;

  /** @param handle  the pipeline, for the calls that this is made of */
  constructor(init: AppPackagesInit, handle: Handle) {
    this.#init = init;
    this.#handle = handle;
  }

  serves(request: ApiRequest, { type }: Service): boolean {
    const { segments, verb, query, http } = request;
    if (type !== 'system') return false;
    if (isAppInPackages(request)) return true;
    if (segments[0]?.toLowerCase() !== 'app') return false;
    if (verb === 'POST' && segments.length === 1) {
      return isMultipart(http.header('content-type')) || request.option('import_url') !== undefined;
    }
    const [pkg, deleteStorage] = DONE;
    return segments.length === 2 && query.flag(verb === 'GET' ? pkg : verb === 'DELETE' ? deleteStorage : '');
  }

  /** @throws MillraceError */
  async answer(call: ScriptedCall): Promise<void> {
    const { request, principal, reply, headers } = call;
    const api = new Api(this.#handle, principal, request.http.id);
    if (request.verb === 'GET') return this.#export(call, api);
    const value = request.verb === 'POST' ? await this.#import(request, api) : await this.#remove(request, api);
    sendValue(reply, 200, value, presentationOf(request, headers, true));
  }

  async #import(request: ApiRequest, api: Api): Promise<unknown> {
    if (request.option('import_url') !== undefined) {
      throw invalid("A package is not fetched from elsewhere: send it as a file, in the place of 'import_url'.", {
        import_url: ['not taken'],
      });
    }
    const type = request.http.header('content-type') ?? '';
    const parts = parseMultipart(type, request.http.body);
    const files = parts.filter(({ name, filename }) => filename !== undefined && FILE_FIELDS.has(name));
    const [file] = files;
    if (!file || files.length > 1) throw invalid("A package is one file in the field 'file'.", { file: ['one file'] });
    if (!/\.dfpkg$/i.test(file.filename ?? '')) {
      throw invalid("Only package files ending with 'dfpkg' are allowed for import.", { file: ['no .dfpkg'] });
    }
    const given = (name: string): string | undefined => {
      const part = parts.find((each) => each.name === name && each.filename === undefined);
      return request.query.get(name) ?? (part && Buffer.from(part.content).toString()) ?? undefined;
    };
    const serviceId = given('storage_service_id');
    const destination = {
      serviceId: serviceId === undefined || serviceId === '' ? undefined : Number(serviceId),
      container: given('storage_container') || undefined,
    };
    return importApp(await readAppPackage(file.content), destination, api, this.#init.state);
  }

  /** The files of an application only go with it where they are in a folder of their own. */
  async #remove({ segments }: ApiRequest, api: Api): Promise<unknown> {
    const path = `system/app/${encodeURIComponent(segments[1] ?? '')}`;
    const app = (await api.send('GET', `${path}?fields=*`)) as JsonObject;
    const { id, storage_service_id, storage_container } = app;
    const service = this.#storageOf(app);
    const folder = filePath(String(storage_container ?? ''));
    if (service && folder === '') {
      throw invalid('The application has no folder of its own, so its files stay: delete it without delete_storage.', {
        delete_storage: ['no folder'],
      });
    }
    await api.send('DELETE', path);
    if (service) {
      const where = folder.split('/').map(encodeURIComponent).join('/');
      await api.send('DELETE', `${encodeURIComponent(service.name)}/${where}/?force=true`);
    }
    return { id, storage_service_id, storage_container };
  }

  async #export(call: ScriptedCall, api: Api): Promise<void> {
    const { request, reply, headers, principal } = call;
    const app = (await api.send(
      'GET',
      `system/app/${encodeURIComponent(request.segments[1] ?? '')}?fields=*`,
    )) as JsonObject;
    const members = membersOf(app, await this.#services(request, api), await this.#schema(request, api));
    const service = request.query.flag('include_files') ? this.#storageOf(app) : undefined;
    const container = filePath(String(app['storage_container'] ?? ''));
    if (service) requireAccess(principal, service, service.name, componentOfPath(container), 'GET');
    const sent = [
      ...headers,
      ['Content-Type', 'application/zip'],
      ['Content-Disposition', `attachment; filename="${packageName(app)}"`],
      ['X-Content-Type-Options', 'nosniff'],
    ] as const;
    if (!service) return sendPackage(reply.stream(200, sent), members, none());
    const { http } = request;
    const inner = { ...call, service, request: new ApiRequest(http, service.name, container.split('/')) };
    return duringCall(inner, this.#init.store, this.#init, (fileCall) =>
      sendPackage(reply.stream(200, sent), members, filesOf(fileCall, container)),
    );
  }

  /** Without their secrets, which nobody reads. */
  async #services({ query }: ApiRequest, api: Api): Promise<JsonObject[]> {
    const names = (query.get('service') ?? '').split(',').flatMap((name) => name.trim() || []);
    const services: JsonObject[] = [];
    for (const name of names) {
      const known = this.#init.state.servicesByName.get(name.toLowerCase());
      if (!known) throw invalid(`There is no service '${name}' to be exported.`, { service: [name] });
      const record = (await api.send(
        'GET',
        `system/service/${known.id}?fields=name,label,description,is_active,type,config`,
      )) as JsonObject;
      const { service_id: _, ...config } = isObject(record['config']) ? record['config'] : {};
      services.push({ ...record, config });
    }
    return services;
  }

  async #schema({ query }: ApiRequest, api: Api): Promise<JsonObject[]> {
    const text = query.get('schema');
    if (!text) return [];
    const wanted = jsonOf(text);
    const found: JsonObject[] = [];
    for (const [name, tables] of Object.entries(wanted)) {
      const names = Array.isArray(tables) ? tables.map(String) : [];
      const table: unknown[] = [];
      for (const each of names) {
        table.push(await api.send('GET', `${encodeURIComponent(name)}/_schema/${encodeURIComponent(each)}`));
      }
      found.push({ name, table });
    }
    return found;
  }

  #storageOf(app: JsonObject): Service | undefined {
    const service =
      app['type'] === STORED ? this.#init.state.services.get(Number(app['storage_service_id'])) : undefined;
    return service && isFileService(service) ? service : undefined;
  }
}

/** `system/package` takes those of applications as well (§2.5). */
function isAppInPackages({ segments, verb, http }: ApiRequest): boolean {
  if (verb !== 'POST' || segments.length !== 1 || segments[0]?.toLowerCase() !== 'package') return false;
  const type = http.header('content-type') ?? '';
  return isMultipart(type) && parseMultipart(type, http.body).some(({ filename }) => /\.dfpkg$/i.test(filename ?? ''));
}

function jsonOf(text: string): JsonObject {
  try {
    const value = parseJson(Buffer.from(text));
    if (isObject(value)) return value;
  } catch {
    // said below
  }
  throw invalid(`'schema' must be a JSON object: names of services, each with a list of tables.`, {
    schema: ['no object'],
  });
}

async function* none(): AsyncGenerator<never> {}
