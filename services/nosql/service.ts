/** One configured service: its opened store, what is known of its tables, and the plans made so far. */
import { MAX_RECORDS } from '#common/config/record-fields.ts';
import type { RecordPiece } from '#common/connector.ts';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError, notFound, unreachable } from '#common/errors.ts';
import { inTime } from '#common/in-time.ts';
import { forgetForeign, withForeign } from '#common/records/foreign.ts';
import type { Runner } from '#common/records/result.ts';
import { planDescribeParts, planDescribeTables, planListTables } from '#common/schema/listing.ts';
import { isMismatch } from '#common/schema/mismatch.ts';
import { TableAccess } from '#common/schema/table-access.ts';
import type { DataService, OpenedService } from '#common/tier/connector.ts';
import type { SchemaExtra } from '#proto/access/v1/access_pb.ts';
import { type Operation, ResourceKind, type Result, type Shape } from '#proto/data/v1/data_pb.ts';
import { scannedMaxOf } from './config-fields.ts';
import type { NoSqlEngine } from './engine.ts';
import type { ServiceContext } from './execute/context.ts';
import { planCreate } from './execute/create.ts';
import { planDefine } from './execute/define.ts';
import { planDelete } from './execute/delete.ts';
import { importRecords } from './execute/import.ts';
import { planJoined } from './execute/joins.ts';
import { PointReads } from './execute/point-reads.ts';
import { planRead } from './execute/read.ts';
import { streamRead } from './execute/stream.ts';
import { planUpdate } from './execute/update.ts';
import { WriteLine } from './execute/write-line.ts';
import { withKeyPart } from './key-part.ts';
import { SchemaCache } from './schema-cache.ts';
import type { StoreView } from './table-view.ts';

export interface ServiceOptions extends OpenedService<NoSqlEngine> {
  /** As SchemaCache has it. */
  readonly watchIntervalMs?: number;
}

const NO_JOINS = new Map<never, never>();

export class NoSqlService implements DataService {
  readonly #options: ServiceOptions;
  readonly #schema: SchemaCache;
  readonly #points: PointReads;
  readonly #writes: WriteLine;
  readonly #maxRecords: number;
  readonly #scannedMax: number;
  /** Plans hang on the view they were made with. */
  #planned: { view: StoreView; runners: WeakMap<Shape, Runner> } | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
    const { source, id: serviceId, extras, log, watchIntervalMs, config, maxRecordsReturned } = options;
    const asked = Number(config['max_records'] ?? 0);
    this.#maxRecords = Math.min(asked > 0 ? asked : MAX_RECORDS, maxRecordsReturned);
    this.#scannedMax = scannedMaxOf(config);
    this.#schema = new SchemaCache({ source, serviceId, extras, log, watchIntervalMs });
    this.#points = new PointReads(source);
    this.#writes = new WriteLine(source);
  }

  setExtras(extras: readonly SchemaExtra[]): void {
    this.#schema.setExtras(extras);
  }

  async execute(operation: Operation, shape: Shape, deadline: Deadline): Promise<Result> {
    const view = this.#schema.current ?? (await inTime(this.#schema.read(), deadline));
    try {
      return await this.#run({ shape, operation }, view, deadline);
    } catch (error) {
      forgetForeign(operation);
      // Somebody made the table a moment ago: nothing was done yet that could be done twice.
      const newer = isMismatch(MillraceError.from(error)) && (await inTime(this.#schema.newerThan(view), deadline));
      if (!newer) throw error;
      return this.#run({ shape, operation }, newer, deadline);
    }
  }

  /** A Read of everything, as Connector has it. */
  async *stream(operation: Operation, shape: Shape, deadline: Deadline): AsyncGenerator<Uint8Array> {
    const view = this.#schema.current ?? (await inTime(this.#schema.read(), deadline));
    const readOf = (given: StoreView): AsyncGenerator<Uint8Array> => {
      const { action } = withKeyPart({ shape, operation }, given).shape;
      if (action.case !== 'read') throw new MillraceError('invalid', 'Only records that are read come as a stream.');
      return streamRead(action.value, this.#context(shape, given), operation, deadline);
    };
    let hasBegun = false;
    try {
      for await (const piece of readOf(view)) {
        hasBegun = true;
        yield piece;
      }
    } catch (error) {
      const isUnknown = !hasBegun && isMismatch(MillraceError.from(error));
      const newer = isUnknown && (await inTime(this.#schema.newerThan(view), deadline));
      if (!newer) throw error;
      yield* readOf(newer);
    }
  }

  /** Records that come in pieces, as Connector has it. */
  async import(
    operation: Operation,
    shape: Shape,
    pieces: AsyncIterable<RecordPiece>,
    deadline: Deadline,
  ): Promise<Result> {
    const { action } = shape;
    if (action.case !== 'create') throw new MillraceError('invalid', 'Only records that are created come as a stream.');
    let view = this.#schema.current ?? (await inTime(this.#schema.read(), deadline));
    // Before the first piece is taken.
    if (!view.byWireName.get(action.value.table)) view = (await inTime(this.#schema.newerThan(view), deadline)) ?? view;
    return importRecords(action.value, this.#context(shape, view), operation, pieces, deadline);
  }

  close(): Promise<void> {
    this.#schema.close();
    return this.#options.source.close();
  }

  async #run(call: { shape: Shape; operation: Operation }, view: StoreView, deadline: Deadline): Promise<Result> {
    const { shape, operation } = withKeyPart(call, view);
    return withForeign(await this.#runner(shape, view)(operation, deadline), operation);
  }

  #runner(shape: Shape, view: StoreView): Runner {
    if (this.#planned?.view !== view) this.#planned = { view, runners: new WeakMap() };
    const { runners } = this.#planned;
    let runner = runners.get(shape);
    if (!runner) {
      runner = planJoined(shape, this.#context(shape, view), (context) => this.#plan(shape, context));
      runners.set(shape, runner);
    }
    return runner;
  }

  #context(shape: Shape, view: StoreView): ServiceContext {
    const { name, source, engine, config } = this.#options;
    return {
      serviceName: name,
      source,
      engine,
      view,
      access: new TableAccess(shape),
      maxRecords: this.#maxRecords,
      scannedMax: this.#scannedMax,
      allowUpsert: config['allow_upsert'] === true,
      strict: shape.strict,
      mergesForeign: shape.action.case === 'read' && shape.action.value.mergesForeign,
      joins: NO_JOINS,
      points: this.#points,
      writes: this.#writes,
    };
  }

  #plan({ action }: Shape, context: ServiceContext): Runner {
    switch (action.case) {
      case 'read':
        return planRead(action.value, context);
      case 'create':
        return planCreate(action.value, context);
      case 'update':
        return planUpdate(action.value, context);
      case 'delete':
        return planDelete(action.value, context);
      case 'listResources':
        this.#requireTables(action.value.kind);
        return planListTables(action.value, this.#schema);
      case 'describeTables':
        return this.#described(action.value.tables, planDescribeTables(action.value, this.#schema));
      case 'describeParts':
        return this.#described([action.value.table], planDescribeParts(action.value, this.#schema));
      case 'defineTables':
      case 'defineParts':
      case 'dropTables':
      case 'dropParts':
        return planDefine(action, this.#schema, context, this.#options.saveExtras);
      case 'describeRoutines':
      case 'call':
        throw new MillraceError('not_found', `Service '${context.serviceName}' has no stored procedures or functions.`);
      case undefined:
        throw new MillraceError('invalid', 'The operation is missing or not known to this version.');
      default:
        return unreachable(action);
    }
  }

  /** A store has no procedures. @throws MillraceError not_found, as services without any have it */
  #requireTables(kind: ResourceKind): void {
    if (kind !== ResourceKind.PROCEDURE && kind !== ResourceKind.FUNCTION) return;
    const resource = kind === ResourceKind.PROCEDURE ? '_proc' : '_func';
    throw notFound(`Resource '${resource}' not found for service '${this.#options.name}'.`);
  }

  /** Descriptions tell what documents were seen to hold. */
  #described(names: readonly string[], describe: Runner): Runner {
    return async (operation, deadline) => {
      await inTime(this.#schema.described(names), deadline);
      return describe(operation, deadline);
    };
  }
}
