/** Public files of a service behind the door, for whoever has nothing but their addresses. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HostingSchema } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import { stateOf, type UpdateInit, update } from './access.ts';
import { BehindDoor, type Outcome } from './behind-door.ts';
import { FakeStore } from './file-store.ts';
import { CALLER, FILES, fileRule } from './files.ts';

export const LONG = 'export const value = 1;\n'.repeat(200);

const TREE = {
  site: undefined,
  'site/index.html': '<h1>Home</h1>',
  'site/long.js': LONG,
  'site/app-BX3nTz9k.js': 'app',
  'site/image.png': 'png',
  'site/drawing.svg': '<svg/>',
  'site/deep': undefined,
  'site/deep/index.html': '<h1>Deep</h1>',
  'site/bare': undefined,
  'site/bare/a.txt': 'a',
  shut: undefined,
  'shut/index.html': 'secret',
};

export interface HostedInit {
  readonly publicPaths?: readonly string[];
  readonly hosting?: MessageInitShape<typeof HostingSchema>;
  /** Stored in the service: the folder, and the start in it. */
  readonly apps?: readonly (readonly [container: string, path: string, isActive?: boolean])[];
  readonly hotFilesBytes?: number;
}

export class Hosted {
  readonly store = new FakeStore(undefined, TREE);
  readonly #state: AccessState;
  readonly #door: BehindDoor;

  constructor(init: HostedInit = {}) {
    this.#state = stateOf({
      services: [serviceOf(init)],
      roles: [{ id: 3, name: 'Clerk', isActive: true, access: [fileRule('*')] }],
      apps: [{ id: 4, name: 'shop', apiKey: 'key', isActive: true, roleId: 3 }, ...storedApps(init)],
      users: [{ id: 5, email: 'ann@a.example', username: 'ann', isActive: true }],
    } as UpdateInit);
    const { hotFilesBytes } = init;
    this.#door = new BehindDoor(this.#state, {
      store: this.store.asStore,
      ...(hotFilesBytes !== undefined && { hotFilesBytes }),
    });
  }

  /** @param target  behind the name of the service */
  get(target: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Outcome> {
    return this.#door.send({ method, target: `/files${target}`, headers });
  }

  /** By somebody who may write. */
  write(path: string, content: string): Promise<Outcome> {
    return this.#door.send({ method: 'PUT', target: `/api/v2/files/${path}`, headers: CALLER, body: content });
  }

  /** The service is another one. */
  change(init: HostedInit): void {
    update(this.#state, { services: [serviceOf(init)] } as UpdateInit);
  }

  limit(rate: number): void {
    const limit = { id: 1, name: 'all', type: 'instance', rate, period: 'minute' };
    update(this.#state, { limits: [limit] });
  }

  /** What was asked of the storage since the last time. */
  asked(): string[] {
    return this.store.calls.splice(0);
  }
}

const storedApps = ({ apps = [] }: HostedInit) =>
  apps.map(([storageContainer, path, isActive = true], i) => {
    const id = 100 + i;
    return { id, name: `app ${id}`, apiKey: `key ${id}`, isActive, storageServiceId: FILES, storageContainer, path };
  });

const serviceOf = ({ publicPaths = ['site'], hosting }: HostedInit) => ({
  ...{ id: FILES, name: 'files', type: 'local_file', isActive: true, tier: 'storage', publicPaths: [...publicPaths] },
  ...(hosting && { hosting }),
});

export const HOSTING = { indexFile: 'index.html', immutableAssets: true };
