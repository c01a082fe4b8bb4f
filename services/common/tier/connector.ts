/** A connector of databases: services come and go as the system service says; operations go to the service they name. */

import { Removal_Kind as Kind, type SchemaExtra, type Service, type Update } from '#proto/access/v1/access_pb.ts';
import type { Operation, Result, Shape } from '#proto/data/v1/data_pb.ts';
import type { ExtraChange } from '#proto/system/v1/system_pb.ts';
import type { Connector, RecordPiece } from '../connector.ts';
import type { Deadline } from '../deadline.ts';
import type { Engine, ServiceConfig, Source } from '../engine.ts';
import { MillraceError, notFound } from '../errors.ts';
import { within } from '../in-time.ts';
import type { Logger } from '../observe/log.ts';

export interface ConnectorOptions {
  readonly dataDir: string;
  readonly connectionsMax: number;
  readonly saveExtras: (serviceName: string, changes: readonly ExtraChange[]) => Promise<void>;
  readonly log: Logger;
}

/** A configured service whose source is opened. */
export interface OpenedService<E extends Engine<Source>> {
  readonly id: number;
  readonly name: string;
  readonly engine: E;
  readonly config: ServiceConfig;
  readonly source: ReturnType<E['open']>;
  readonly extras: readonly SchemaExtra[];
  readonly maxRecordsReturned: number;
  readonly saveExtras: (changes: readonly ExtraChange[]) => Promise<void>;
  readonly log: Logger;
}

/** What does the operations on one service. */
export interface DataService extends Required<Connector> {
  setExtras(extras: readonly SchemaExtra[]): void;
  close(): Promise<void>;
}

/** By service type. A driver is loaded when a service first uses it. */
export type Engines<E extends Engine<Source>> = Readonly<Record<string, () => Promise<{ engine: E }>>>;

/** What a tier is made of. */
export interface TierParts<E extends Engine<Source>> {
  readonly engines: Engines<E>;
  serve(opened: OpenedService<E>): DataService;
}

interface Known {
  service: Service;
  /** Opened when it is first used. */
  opened: Promise<DataService> | undefined;
  ready: DataService | undefined;
}

/** Within it a change is pushed to all who watch. */
const SERVICE_TIMEOUT_MS = 1_000;
const MAX_RECORDS_RETURNED = 100_000;

export class TierConnector<E extends Engine<Source>> implements Connector {
  readonly #parts: TierParts<E>;
  readonly #options: ConnectorOptions;
  readonly #byName = new Map<string, Known>();
  readonly #extras = new Map<number, SchemaExtra>();
  #maxRecordsReturned = MAX_RECORDS_RETURNED;
  #version = 0n;
  #awaited: { version: bigint; resolve: () => void }[] = [];

  constructor(parts: TierParts<E>, options: ConnectorOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  execute(operation: Operation, shape: Shape, deadline: Deadline): Promise<Result> {
    const ready = this.#byName.get(shape.service)?.ready;
    if (ready) return ready.execute(operation, shape, deadline);
    return this.#serviceOf(shape).then((service) => service.execute(operation, shape, deadline));
  }

  async *stream(operation: Operation, shape: Shape, deadline: Deadline): AsyncGenerator<Uint8Array> {
    yield* (await this.#serviceOf(shape)).stream(operation, shape, deadline);
  }

  async import(
    operation: Operation,
    shape: Shape,
    pieces: AsyncIterable<RecordPiece>,
    deadline: Deadline,
  ): Promise<Result> {
    return (await this.#serviceOf(shape)).import(operation, shape, pieces, deadline);
  }

  /**
   * Callers know a service a moment before it is pushed here, or long before where this tier has just started: it is
   * waited for.
   * @throws MillraceError not_found; unavailable while nothing was heard of the system service
   */
  async #serviceOf({ service: name }: Shape): Promise<DataService> {
    const soon = Date.now() + SERVICE_TIMEOUT_MS;
    for (;;) {
      const known = this.#byName.get(name);
      if (known) return known.ready ?? this.#open(known);
      const left = soon - Date.now();
      if (left <= 0) break;
      await within(left, () => this.reached(this.#version + 1n)).catch(() => {});
    }
    if (this.#version > 0n) throw notFound(`Could not find a service for ${name}.`);
    throw new MillraceError('unavailable', 'What is served here is not known yet: the system service is not heard.');
  }

  /** Resolves when an update of this version, or a later one, was applied. */
  async reached(version: bigint): Promise<void> {
    if (this.#version >= version) return;
    await new Promise<void>((resolve) => this.#awaited.push({ version, resolve }));
  }

  /** Takes over what the system service pushes. Services whose settings changed are opened anew. */
  apply(update: Update): void {
    this.#apply(update);
    this.#version = update.version;
    const [due, later] = [
      this.#awaited.filter((one) => one.version <= update.version),
      this.#awaited.filter((one) => one.version > update.version),
    ];
    this.#awaited = later;
    for (const { resolve } of due) resolve();
  }

  #apply(update: Update): void {
    if (update.settings?.maxRecordsReturned) this.#maxRecordsReturned = update.settings.maxRecordsReturned;
    if (update.full) {
      const names = new Set(update.services.map((service) => service.name.toLowerCase()));
      for (const [name, known] of this.#byName) if (!names.has(name)) this.#forget(name, known);
      this.#extras.clear();
    }
    const touched = new Set<number>();
    for (const extra of update.schemaExtras) {
      this.#extras.set(extra.id, extra);
      touched.add(extra.serviceId);
    }
    for (const { kind, id } of update.removals) {
      if (kind === Kind.SERVICE) this.#forgetId(id);
      if (kind === Kind.SCHEMA_EXTRA) {
        const extra = this.#extras.get(id);
        this.#extras.delete(id);
        if (extra) touched.add(extra.serviceId);
      }
    }
    for (const service of update.services) this.#put(service);
    for (const known of this.#byName.values()) {
      if (update.full || touched.has(known.service.id)) known.ready?.setExtras(this.#extrasOf(known.service.id));
    }
  }

  async close(): Promise<void> {
    const all = [...this.#byName.values()];
    this.#byName.clear();
    await Promise.all(all.map(async ({ opened }) => (await opened?.catch(() => undefined))?.close()));
  }

  #put(service: Service): void {
    const name = service.name.toLowerCase();
    for (const [other, known] of this.#byName) {
      if (known.service.id === service.id && other !== name) this.#forget(other, known);
    }
    const known = this.#byName.get(name);
    if (known && known.service.type === service.type && sameBytes(known.service.configJson, service.configJson)) {
      known.service = service;
      return;
    }
    if (known) this.#forget(name, known);
    if (this.#parts.engines[service.type]) this.#byName.set(name, { service, opened: undefined, ready: undefined });
  }

  #forgetId(id: number): void {
    for (const [name, known] of this.#byName) if (known.service.id === id) this.#forget(name, known);
  }

  #forget(name: string, known: Known): void {
    this.#byName.delete(name);
    known.opened
      ?.then((service) => service.close())
      .catch((error: unknown) => this.#options.log.warn({ err: error, service: name }, 'service could not be closed'));
  }

  #open(known: Known): Promise<DataService> {
    known.opened ??= this.#opened(known).catch((error: unknown) => {
      known.opened = undefined;
      throw error;
    });
    return known.opened;
  }

  async #opened(known: Known): Promise<DataService> {
    const { service } = known;
    const load = this.#parts.engines[service.type];
    if (!load) throw new MillraceError('unavailable', `No engine serves the type '${service.type}'.`);
    const { engine } = await load();
    const config = JSON.parse(Buffer.from(service.configJson).toString() || '{}') as Record<string, unknown>;
    const { dataDir, connectionsMax, saveExtras, log } = this.#options;
    const context = { dataDir, serviceName: service.name, connectionsMax };
    const source = engine.open(config, context) as ReturnType<E['open']>;
    known.ready = this.#parts.serve({
      id: service.id,
      name: service.name,
      engine,
      config,
      source,
      extras: this.#extrasOf(service.id),
      maxRecordsReturned: this.#maxRecordsReturned,
      saveExtras: (changes) => saveExtras(service.name, changes),
      log: log.child({ service: service.name }),
    });
    return known.ready;
  }

  #extrasOf(serviceId: number): SchemaExtra[] {
    return [...this.#extras.values()].filter((extra) => extra.serviceId === serviceId);
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
