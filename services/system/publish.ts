/** AccessControl.Watch: the full state, then every change as it is committed, to whoever watches. */
import { create } from '@bufbuild/protobuf';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { SNAPSHOT_POLL_MS } from '#common/bounds.ts';
import type { ServedService } from '#common/grpc/service.ts';
import { toServiceError } from '#common/grpc/status.ts';
import type { Logger } from '#common/observe/log.ts';
import {
  AccessControl,
  Removal_Kind,
  Scope,
  type Update,
  UpdateSchema,
  type WatchRequest,
} from '#proto/access/v1/access_pb.ts';
import { type Changes, KINDS, type Kind } from './changes.ts';
import type { ServiceTypes } from './service-types/registry.ts';
import { EMPTY_SNAPSHOT, type Snapshot, type SnapshotLoader } from './snapshot.ts';

type WatchCall = ServerWritableStream<WatchRequest, Update>;

export class Publisher {
  readonly #changes: Changes;
  readonly #loader: SnapshotLoader;
  readonly #types: ServiceTypes;
  readonly #log: Logger;
  readonly #watchers = new Set<Watcher>();
  readonly #dirty = new Set<Kind>(KINDS);
  #snapshot = EMPTY_SNAPSHOT;
  #version = -1;
  /** Commits of this process since the version was read. */
  #ownCommits = 0;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(changes: Changes, loader: SnapshotLoader, types: ServiceTypes, log: Logger) {
    this.#changes = changes;
    this.#loader = loader;
    this.#types = types;
    this.#log = log;
  }

  /** @throws MillraceError when the first state cannot be read */
  async start(): Promise<void> {
    await this.#load();
    this.#changes.listen((kinds) => {
      this.#ownCommits += 1;
      for (const kind of kinds) this.#dirty.add(kind);
      this.#refresh();
    });
    // Other processes on the same database tell nobody but the version.
    this.#timer = setInterval(() => this.#poll(), SNAPSHOT_POLL_MS);
  }

  /** Ends all streams; watchers come back to another process, or later. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#changes.listen(() => {});
    for (const watcher of this.#watchers) watcher.end();
    this.#watchers.clear();
    await this.#running;
  }

  get service(): ServedService {
    return { desc: AccessControl, implementation: { watch: (call: WatchCall) => void this.#watch(call) } };
  }

  async #watch(call: WatchCall): Promise<void> {
    const { tier, serviceTypes } = call.request;
    try {
      await this.#types.announce(this.#changes, tier, serviceTypes);
    } catch (error) {
      this.#log.error({ err: error, tier }, 'announced service types could not be stored');
      call.destroy(toServiceError(error));
      return;
    }
    if (call.cancelled) return;
    const watcher = new Watcher(call);
    this.#watchers.add(watcher);
    const leave = (): void => {
      this.#watchers.delete(watcher);
    };
    call.on('cancelled', leave).on('close', leave).on('error', leave);
    watcher.offer(this.#snapshot, this.#version);
  }

  /** One reading at a time; what is committed meanwhile is read by the next one, all of it at once. */
  #refresh(): void {
    this.#running ??= this.#load()
      .catch((error: unknown) => this.#log.error({ err: error }, 'the access snapshot could not be read'))
      .then(() => {
        this.#running = undefined;
        if (this.#ownCommits > 0) this.#refresh();
      });
  }

  async #load(): Promise<void> {
    const expected = this.#version + this.#ownCommits;
    this.#ownCommits = 0;
    const version = await this.#changes.version();
    const isOurs = version === expected;
    const kinds = new Set(isOurs ? this.#dirty : KINDS);
    this.#dirty.clear();
    try {
      this.#snapshot = await this.#loader.load(this.#snapshot, kinds);
      this.#version = version;
    } catch (error) {
      for (const kind of kinds) this.#dirty.add(kind); // the next poll tries again
      throw error;
    }
    for (const watcher of this.#watchers) watcher.offer(this.#snapshot, version);
  }

  #poll(): void {
    if (this.#running) return;
    this.#changes.version().then(
      (version) => {
        if (version !== this.#version) this.#refresh();
      },
      (error: unknown) => this.#log.warn({ err: error }, 'the system database does not answer'),
    );
  }
}

/** One stream. While it is slow nothing is queued for it: it gets the difference to what it has when it is ready. */
class Watcher {
  readonly #call: WatchCall;
  readonly #types: ReadonlySet<string>;
  #sent: View | undefined;
  #latest: { readonly snapshot: Snapshot; readonly version: number } | undefined;
  #isBlocked = false;

  constructor(call: WatchCall) {
    this.#call = call;
    this.#types = new Set(call.request.serviceTypes.map((type) => type.name));
    call.on('drain', () => {
      this.#isBlocked = false;
      if (this.#latest) this.offer(this.#latest.snapshot, this.#latest.version);
    });
  }

  offer(snapshot: Snapshot, version: number): void {
    this.#latest = { snapshot, version };
    if (this.#isBlocked || this.#call.cancelled) return;
    const view = viewOf(snapshot, this.#call.request.scope, this.#types);
    const update = difference(this.#sent, view, version);
    if (!update) return;
    this.#sent = view;
    this.#isBlocked = !this.#call.write(update);
  }

  end(): void {
    this.#call.end();
  }
}

type View = Pick<Update, 'settings'> & { readonly [K in Part]: ReadonlyMap<string | number, Update[K][number]> };
type Part = (typeof PARTS)[number];

const PARTS = [
  'services',
  'roles',
  'apps',
  'users',
  'lookups',
  'corsRules',
  'revocations',
  'schemaExtras',
  'serviceTypes',
] as const;

/** Revocations end by themselves, types are never taken back. */
const REMOVALS: Partial<Record<Part, Removal_Kind>> = {
  services: Removal_Kind.SERVICE,
  roles: Removal_Kind.ROLE,
  apps: Removal_Kind.APP,
  users: Removal_Kind.USER,
  lookups: Removal_Kind.LOOKUP,
  corsRules: Removal_Kind.CORS_RULE,
  schemaExtras: Removal_Kind.SCHEMA_EXTRA,
};

const NOTHING: View = { ...EMPTY_SNAPSHOT, settings: undefined };

/** What somebody may know: a router no connection secrets, a connector nothing but its own services. */
function viewOf(snapshot: Snapshot, scope: Scope, types: ReadonlySet<string>): View {
  if (scope === Scope.ROUTER) return { ...snapshot, schemaExtras: NOTHING.schemaExtras };
  if (scope !== Scope.CONNECTOR) return NOTHING;
  const services = new Map([...snapshot.connections].filter(([, service]) => types.has(service.type)));
  const schemaExtras = new Map([...snapshot.schemaExtras].filter(([, extra]) => services.has(extra.serviceId)));
  return { ...NOTHING, services, schemaExtras };
}

/** undefined: nothing that this watcher would see. Entities are compared by reference. */
function difference(before: View | undefined, now: View, version: number): Update | undefined {
  const update = create(UpdateSchema, { version: BigInt(version), full: before === undefined });
  let isEmpty = before !== undefined;
  for (const part of PARTS) {
    const old: ReadonlyMap<string | number, unknown> = before?.[part] ?? NOTHING[part];
    const changed = [...now[part]].flatMap(([key, entity]) => (old.get(key) === entity ? [] : [entity]));
    Object.assign(update, { [part]: changed });
    const kind = REMOVALS[part];
    const gone = kind === undefined ? [] : [...old.keys()].filter((key) => !now[part].has(key));
    for (const id of gone) {
      update.removals.push({ $typeName: 'millrace.access.v1.Removal', kind: kind!, id: Number(id) });
    }
    if (changed.length > 0 || gone.length > 0) isEmpty = false;
  }
  if (now.settings && now.settings !== before?.settings) {
    update.settings = now.settings;
    isEmpty = false;
  }
  return isEmpty ? undefined : update;
}
