/** The services of this tier: they come and go as the system service says; a call has the one that it names. */
import type { ServiceConfig } from '#common/engine.ts';
import { MillraceError, notFound } from '#common/errors.ts';
import { within } from '#common/in-time.ts';
import type { Logger } from '#common/observe/log.ts';
import { Removal_Kind as Kind, type Service, type Update } from '#proto/access/v1/access_pb.ts';
import type { StorageBackend, StorageSource } from './backend.ts';
import { BACKENDS } from './backends.ts';

export interface StorageConnectorOptions {
  readonly dataDir: string;
  readonly connectionsMax: number;
  readonly log: Logger;
  /** By service type. */
  readonly backends?: typeof BACKENDS;
}

export interface Storage {
  readonly backend: StorageBackend;
  readonly source: StorageSource;
}

interface Known {
  service: Service;
  /** Opened when it is first used. */
  opened: Promise<Storage> | undefined;
  /** Calls that are at it: a source that is no longer wanted is closed behind the last of them. */
  calls: number;
  isForgotten: boolean;
}

/** Within it a change is pushed to all who watch. */
const SERVICE_TIMEOUT_MS = 1_000;

export class StorageConnector {
  readonly #options: StorageConnectorOptions;
  readonly #backends: typeof BACKENDS;
  readonly #byName = new Map<string, Known>();
  #version = 0n;
  #awaited: (() => void)[] = [];

  constructor(options: StorageConnectorOptions) {
    this.#options = options;
    this.#backends = options.backends ?? BACKENDS;
  }

  /**
   * A service for as long as somebody is at it; `done` says that he no longer is. Callers know a service a moment before
   * it is pushed here, or long before where this tier has just started: it is waited for.
   *
   * @throws MillraceError not_found; unavailable while nothing was heard of the system service
   */
  async take(name: string): Promise<{ readonly storage: Storage; readonly done: () => void }> {
    const known = await this.#known(name.toLowerCase());
    known.calls++;
    const done = (): void => {
      known.calls--;
      if (known.isForgotten && known.calls === 0) this.#close(known);
    };
    try {
      return { storage: await this.#open(known), done };
    } catch (error) {
      done();
      throw error;
    }
  }

  /** Takes over what the system service pushes. Services whose settings changed are opened anew. */
  apply(update: Update): void {
    if (update.full) {
      const names = new Set(update.services.map((service) => service.name.toLowerCase()));
      for (const name of [...this.#byName.keys()]) if (!names.has(name)) this.#forget(name);
    }
    for (const { kind, id } of update.removals) {
      if (kind === Kind.SERVICE) this.#forgetId(id);
    }
    for (const service of update.services) this.#put(service);
    this.#version = update.version;
    for (const wake of this.#awaited.splice(0)) wake();
  }

  async close(): Promise<void> {
    const all = [...this.#byName.values()];
    this.#byName.clear();
    await Promise.all(all.map(async ({ opened }) => (await opened?.catch(() => undefined))?.source.close()));
  }

  async #known(name: string): Promise<Known> {
    const soon = Date.now() + SERVICE_TIMEOUT_MS;
    for (;;) {
      const known = this.#byName.get(name);
      if (known) return known;
      const left = soon - Date.now();
      if (left <= 0) break;
      const pushed = new Promise<void>((resolve) => this.#awaited.push(resolve));
      await within(left, () => pushed).catch(() => {});
    }
    if (this.#version > 0n) throw notFound(`Could not find a service for ${name}.`);
    throw new MillraceError('unavailable', 'What is served here is not known yet: the system service is not heard.');
  }

  #put(service: Service): void {
    const name = service.name.toLowerCase();
    for (const [other, known] of this.#byName) {
      if (known.service.id === service.id && other !== name) this.#forget(other);
    }
    const known = this.#byName.get(name);
    const isSame =
      known?.service.type === service.type && Buffer.compare(known.service.configJson, service.configJson) === 0;
    if (known && isSame) {
      known.service = service;
      return;
    }
    this.#forget(name);
    if (!this.#backends[service.type]) return;
    this.#byName.set(name, { service, opened: undefined, calls: 0, isForgotten: false });
  }

  #forgetId(id: number): void {
    for (const [name, known] of [...this.#byName]) if (known.service.id === id) this.#forget(name);
  }

  #forget(name: string): void {
    const known = this.#byName.get(name);
    if (!known) return;
    this.#byName.delete(name);
    known.isForgotten = true;
    if (known.calls === 0) this.#close(known);
  }

  #close({ opened, service }: Known): void {
    opened
      ?.then(({ source }) => source.close())
      .catch((error: unknown) =>
        this.#options.log.warn({ err: error, service: service.name }, 'service could not be closed'),
      );
  }

  #open(known: Known): Promise<Storage> {
    known.opened ??= this.#opened(known.service).catch((error: unknown) => {
      known.opened = undefined;
      throw error;
    });
    return known.opened;
  }

  async #opened({ type, name, configJson }: Service): Promise<Storage> {
    const load = this.#backends[type];
    if (!load) throw new MillraceError('unavailable', `No backend serves the type '${type}'.`);
    const { backend } = await load();
    const config = JSON.parse(Buffer.from(configJson).toString() || '{}') as ServiceConfig;
    const { dataDir, connectionsMax } = this.#options;
    return { backend, source: backend.open(config, { dataDir, serviceName: name, connectionsMax }) };
  }
}
