/** An application as a package, sent while its files are read. */
import { strToU8, Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import { MillraceError } from '#common/errors.ts';
import type { FileEntry } from '#common/files/entry.ts';
import { filePath } from '#common/files/path.ts';
import { stringifyJson } from '#common/json.ts';
import type { FileCall } from '../files/call.ts';
import type { BodyStream } from '../http/reply.ts';
import type { JsonObject } from './api.ts';
import { DESCRIPTION, LAUNCHER, SCHEMA, SERVICES } from './format.ts';

/** JSON members of a package, by their names. */
export function membersOf(app: JsonObject, services: readonly JsonObject[], schema: readonly JsonObject[]) {
  const fields = ['name', 'description', 'is_active', 'type', 'path', 'url', ...LAUNCHER];
  const description = Object.fromEntries(fields.map((field) => [field, app[field] ?? null]));
  return new Map<string, unknown>([
    [DESCRIPTION, description],
    ...(services.length > 0 ? [[SERVICES, services] as const] : []),
    ...(schema.length > 0 ? [[SCHEMA, { service: schema }] as const] : []),
  ]);
}

/** Pieces of a zip, as they come out of the packer, for a client that takes them at its own pace. */
class Pieces {
  readonly zip: Zip;
  #ready: Uint8Array[] = [];
  readonly #out: BodyStream;

  constructor(out: BodyStream) {
    this.#out = out;
    this.zip = new Zip((error, piece) => {
      if (error) throw error;
      this.#ready.push(piece);
    });
  }

  async flush(): Promise<void> {
    const ready = this.#ready;
    this.#ready = [];
    for (const piece of ready) await this.#out.write(piece);
  }
}

export async function sendPackage(
  out: BodyStream,
  members: ReadonlyMap<string, unknown>,
  files: AsyncIterable<{ readonly name: string; readonly body: AsyncIterable<Uint8Array> }>,
): Promise<void> {
  const pieces = new Pieces(out);
  try {
    for (const [name, value] of members) {
      const member = new ZipDeflate(name);
      pieces.zip.add(member);
      member.push(strToU8(stringifyJson(value)), true);
      await pieces.flush();
    }
    for await (const { name, body } of files) {
      const member = new ZipPassThrough(name);
      pieces.zip.add(member);
      for await (const piece of body) {
        member.push(piece);
        await pieces.flush();
      }
      member.push(new Uint8Array(), true);
      await pieces.flush();
    }
    pieces.zip.end();
    await pieces.flush();
    out.end();
  } catch {
    out.fail(); // the status is out
  }
}

/** All that is in its folder, and that the caller may read. @param call  on the file service */
export async function* filesOf({ store, context, deadline }: FileCall, container: string) {
  const folder = filePath(container);
  const { entries } = await store.list(context, { path: folder, fullTree: true, withoutFolders: true }, deadline);
  for await (const group of entries) {
    for (const { path } of group as readonly FileEntry[]) {
      const { body } = await store.read(context, { path }, deadline);
      yield { name: folder === '' ? path : path.slice(folder.length + 1), body };
    }
  }
}

export const packageName = (app: JsonObject): string => {
  const name = String(app['name'] ?? '').replace(/[^A-Za-z0-9._-]+/g, '_');
  if (name === '') throw new MillraceError('internal', 'The application has no name.');
  return `${name}.dfpkg`;
};
