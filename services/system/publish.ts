/** AccessControl.Watch: the full state, then every change as it is committed, to whoever watches. */
import { SNAPSHOT_POLL_MS } from '#common/bounds.ts';
import type { ServedService } from '#common/grpc/service.ts';
import { toServiceError } from '#common/grpc/status.ts';
import type { Logger } from '#common/observe/log.ts';
import { AccessControl } from '#proto/access/v1/access_pb.ts';
import { type Changes, type Dirty, EVERYTHING, type Kind } from './changes.ts';
import type { ServiceTypes } from './service-types/registry.ts';
import { EMPTY_SNAPSHOT, type SnapshotLoader } from './snapshot.ts';
import { type WatchCall, Watcher } from './watcher.ts';

export class Publisher {
  readonly #changes: Changes;
  readonly #loader: SnapshotLoader;
  readonly #types: ServiceTypes;
  readonly #log: Logger;
  readonly #watchers = new Set<Watcher>();
  readonly #kinds = new Set<Kind>(EVERYTHING.kinds);
  #rows: Dirty['rows'] = new Map();
  #snapshot = EMPTY_SNAPSHOT;
  #version = -1;
  /** Commits of this process since the version was read. */
  #ownCommits = 0;
  /** What is stored elsewhere has changed since the snapshot was read. */
  #isAsked = false;
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
    this.#changes.listen((dirty) => {
      this.#ownCommits += 1;
      this.#mark(dirty);
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
      call.emit('error', toServiceError(error));
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

  /** Something is another one that is stored elsewhere than in the system database. */
  changed(dirty: Dirty): void {
    this.#mark(dirty);
    this.#isAsked = true;
    this.#refresh();
  }

  /** One reading at a time; what is committed meanwhile is read by the next one, all of it at once. */
  #refresh(): void {
    this.#running ??= this.#load()
      .catch((error: unknown) => this.#log.error({ err: error }, 'the access snapshot could not be read'))
      .then(() => {
        this.#running = undefined;
        if (this.#ownCommits > 0 || this.#isAsked) this.#refresh();
      });
  }

  #mark({ kinds, rows }: Dirty): void {
    for (const kind of kinds) this.#kinds.add(kind);
    const known = this.#rows;
    this.#rows = new Map([...known, ...[...rows].map(([kind, ids]) => [kind, union(known.get(kind), ids)] as const)]);
  }

  async #load(): Promise<void> {
    const expected = this.#version + this.#ownCommits;
    this.#ownCommits = 0;
    this.#isAsked = false;
    const version = await this.#changes.version();
    const isOurs = version === expected;
    const dirty: Dirty = isOurs ? { kinds: new Set(this.#kinds), rows: this.#rows } : EVERYTHING;
    this.#kinds.clear();
    this.#rows = new Map();
    try {
      this.#snapshot = await this.#loader.load(this.#snapshot, dirty);
      this.#version = version;
    } catch (error) {
      this.#mark(dirty); // the next poll tries again
      throw error;
    }
    for (const watcher of this.#watchers) watcher.offer(this.#snapshot, version);
  }

  #poll(): void {
    if (this.#running) return;
    this.#changes.version().then(
      (version) => {
        // The same one where what was to be read again could not be.
        if (version !== this.#version || this.#kinds.size > 0) this.#refresh();
      },
      (error: unknown) => this.#log.warn({ err: error }, 'the system database does not answer'),
    );
  }
}

const union = (some: Iterable<number> = [], others: Iterable<number>): ReadonlySet<number> =>
  new Set([...some, ...others]);
