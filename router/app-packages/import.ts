/** An application out of its package: services, tables, records, its own record, and its files, or nothing of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Zippable, zipSync } from 'fflate';
import { APP_PACKAGE_SERVICE_MS } from '#common/bounds.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { filePath } from '#common/files/path.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import { StatusError } from '../encode/status-error.ts';
import { isFileService } from '../files/address.ts';
import type { Api, JsonObject } from './api.ts';
import { type AppPackage, containerOf, recordIn, type ServiceTables } from './format.ts';

export interface Destination {
  readonly serviceId: number | undefined;
  readonly container: string | undefined;
}

const STORED = 1;
const POLL_MS = 50;

/** @returns the record. @throws MillraceError; what was made before is taken back then, as far as it can be */
export async function importApp(
  content: AppPackage,
  destination: Destination,
  api: Api,
  state: AccessState,
): Promise<unknown> {
  const record = recordIn(content.description);
  const place = record['type'] === STORED ? placeOf(record, destination, state) : undefined;
  const undo: (() => Promise<unknown>)[] = [];
  try {
    await makeServices(content, api, state, undo);
    await makeTables(content.schema, api, undo);
    await fillTables(content.data, api);
    const stored = place && { storage_service_id: place.service.id, storage_container: place.container };
    const { id } = await api.create('system/app', { ...record, ...stored });
    undo.push(() => api.send('DELETE', `system/app/${id}`));
    if (place && content.files.size > 0) await unpack(content.files, place, api);
    return await api.send('GET', `system/app/${id}`);
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => {}); // what cannot be taken back stays
    throw error;
  }
}

interface Place {
  readonly service: Service;
  readonly container: string;
}

function placeOf(record: JsonObject, { serviceId, container }: Destination, { services }: AccessState): Place {
  const isLocal = ({ type, isActive }: Service) => type === 'local_file' && isActive;
  const first = [...services.values()].sort((a, b) => a.id - b.id).find(isLocal);
  const service = serviceId === undefined ? first : services.get(serviceId);
  if (!service || !isFileService(service)) {
    throw invalid('There is no file service for the application: name one by storage_service_id.', {
      storage_service_id: ['no file service'],
    });
  }
  const folder = filePath(container ?? containerOf(String(record['name'])));
  if (folder === '') throw invalid('An application needs a folder of its own: name one by storage_container.');
  return { service, container: folder };
}

/** One that is there already stays as it is. */
async function makeServices(
  { services }: AppPackage,
  api: Api,
  state: AccessState,
  undo: (() => Promise<unknown>)[],
): Promise<void> {
  for (const { id: _, ...service } of services) {
    const name = String(service['name']).toLowerCase();
    if (state.servicesByName.has(name)) continue;
    const { id } = await api.create('system/service', { is_active: true, ...service });
    undo.push(() => api.send('DELETE', `system/service/${id}`));
  }
}

async function makeTables(schema: readonly ServiceTables[], api: Api, undo: (() => Promise<unknown>)[]): Promise<void> {
  for (const { name, tables } of schema) {
    if (tables.length === 0) continue;
    const root = `${encodeURIComponent(name)}/_schema`;
    const known = (await whenServed(() => api.send('GET', `${root}?as_list=true`))) as { resource: unknown[] };
    const there = new Set(known.resource.map((each) => String(each).toLowerCase()));
    for (const table of tables) {
      if (there.has(String(table['name']).toLowerCase())) continue;
      await api.send('POST', root, { resource: [table] });
      undo.push(() => api.send('DELETE', `${root}/${encodeURIComponent(String(table['name']))}`));
    }
  }
}

async function fillTables(data: readonly ServiceTables[], api: Api): Promise<void> {
  for (const { name, tables } of data) {
    for (const table of tables) {
      const records = table['record'];
      if (!Array.isArray(records) || records.length === 0) continue;
      const path = `${encodeURIComponent(name)}/_table/${encodeURIComponent(String(table['name']))}?rollback=true`;
      await whenServed(() => api.send('POST', path, { resource: records }));
    }
  }
}

/** A service that was made this moment is not served yet. */
async function whenServed<T>(call: () => Promise<T>): Promise<T> {
  const until = Date.now() + APP_PACKAGE_SERVICE_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isNotServed(error) || Date.now() > until) throw error;
      await sleep(POLL_MS);
    }
  }
}

const isNotServed = (error: unknown): boolean =>
  error instanceof StatusError
    ? error.status === 404 || error.status === 503
    : error instanceof MillraceError && error.code === 'unavailable';

/** As any zip that is uploaded: judged as a whole before anything of it is written. */
async function unpack(files: ReadonlyMap<string, Uint8Array>, { service, container }: Place, api: Api): Promise<void> {
  const contents: Zippable = {};
  for (const [path, bytes] of files) contents[path] = [bytes, { level: 0 }];
  const folder = container.split('/').map(encodeURIComponent).join('/');
  await api.send('POST', `${encodeURIComponent(service.name)}/${folder}/?extract=true`, zipSync(contents), {
    'content-type': 'application/zip',
    'x-file-name': 'application.zip',
  });
}
