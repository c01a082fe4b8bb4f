/** One configured service: its opened database, what is known of its schema, and the plans made so far. */

import { MAX_RECORDS } from '#common/config/record-fields.ts';
import type { RecordPiece } from '#common/connector.ts';
import type { Deadline } from '#common/deadline.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { MillraceError, unreachable } from '#common/errors.ts';
import { inTime } from '#common/in-time.ts';
import type { Logger } from '#common/observe/log.ts';
import { forgetForeign, withForeign } from '#common/records/foreign.ts';
import type { Runner } from '#common/records/result.ts';
import type { SchemaView } from '#common/schema/extras.ts';
import { planDescribeParts, planDescribeTables } from '#common/schema/listing.ts';
import { isMismatch } from '#common/schema/mismatch.ts';
import { TableAccess } from '#common/schema/table-access.ts';
import type { SchemaExtra } from '#proto/access/v1/access_pb.ts';
import type { Operation, Result, Shape } from '#proto/data/v1/data_pb.ts';
import type { SqlEngine, SqlSource } from './engine.ts';
import { planCall, planDescribeRoutines } from './execute/call.ts';
import type { ServiceContext } from './execute/context.ts';
import { planCreate } from './execute/create.ts';
import { planDefine, type SaveExtras } from './execute/define.ts';
import { planDelete } from './execute/delete.ts';
import { planListResources } from './execute/describe.ts';
import { importRecords } from './execute/import.ts';
import { planRead } from './execute/read.ts';
import { streamRead } from './execute/stream.ts';
import { planUpdate } from './execute/update.ts';
import { WriteLine } from './execute/write-line.ts';
import { loneTable } from './plan/lone-table.ts';
import { RoutineCache } from './routine-cache.ts';
import { SchemaCache } from './schema-cache.ts';
import { Unheard } from './unheard.ts';

/** What the plans of all shapes share. */
type ViewContext = Omit<ServiceContext, 'access' | 'strict' | 'mergesForeign'>;

export interface ServiceOptions {
  readonly id: number;
  readonly name: string;
  readonly engine: SqlEngine;
  readonly config: ServiceConfig;
  readonly source: SqlSource;
  readonly extras: readonly SchemaExtra[];
  readonly maxRecordsReturned: number;
  readonly saveExtras: SaveExtras;
  readonly log: Logger;
  /** As SchemaCache has it. */
  readonly watchIntervalMs?: number;
}

export class SqlService {
  readonly #options: ServiceOptions;
  readonly #schema: SchemaCache;
  readonly #writes: WriteLine;
  readonly #routines: RoutineCache;
  /** Plans hang on the view they were made with. */
  #planned: { view: SchemaView; context: ViewContext; runners: WeakMap<Shape, Runner> } | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
    const { source, id: serviceId, extras, log, watchIntervalMs } = options;
    this.#schema = new SchemaCache({ source, serviceId, extras, log, ...(watchIntervalMs && { watchIntervalMs }) });
    this.#writes = new WriteLine(options.source);
    this.#routines = new RoutineCache(options.source, options.name);
    options.source.onSchemaChange = () => void this.#schema.doubt();
  }

  setExtras(extras: readonly SchemaExtra[]): void {
    this.#schema.setExtras(extras);
  }

  async execute(operation: Operation, shape: Shape, deadline: Deadline): Promise<Result> {
    const view = this.#schema.current ?? (await this.#firstView(operation, shape, deadline));
    try {
      const result = withForeign(await this.#runner(shape, view)(operation, deadline), operation);
      if (result.dropped.some((name) => isUnknown(name, shape, view))) void this.#schema.doubt();
      return result;
    } catch (error) {
      const failure = MillraceError.from(error);
      forgetForeign(operation);
      if (failure instanceof Unheard && shape.action.case === 'read') {
        return withForeign(await this.#runner(shape, view)(operation, deadline), operation);
      }
      if (failure.code !== 'internal' && !isMismatch(failure)) throw error;
      if (shape.action.case !== 'read') {
        void this.#schema.doubt();
        throw error;
      }
      // Somebody changed the table: who only reads need not know.
      const newer = await this.#newerThan(view, deadline);
      if (!newer) throw error;
      return withForeign(await this.#runner(shape, newer)(operation, deadline), operation);
    }
  }

  /** A Read of everything, as Connector has it. */
  async *stream(operation: Operation, shape: Shape, deadline: Deadline): AsyncGenerator<Uint8Array> {
    const { action } = shape;
    if (action.case !== 'read') throw new MillraceError('invalid', 'Only records that are read come as a stream.');
    const view = this.#schema.current ?? (await inTime(this.#schema.read(), deadline));
    const streamed = (by: SchemaView): AsyncGenerator<Uint8Array> =>
      streamRead(action.value, this.#planContext(shape, by), operation, deadline);
    let hasBegun = false;
    try {
      for await (const piece of streamed(view)) {
        hasBegun = true;
        yield piece;
      }
    } catch (error) {
      const failure = MillraceError.from(error);
      const newer = isMismatch(failure) && (await this.#newerThan(view, deadline));
      const again = failure instanceof Unheard ? view : newer;
      if (!again || hasBegun) throw error;
      yield* streamed(again);
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
    const view = this.#schema.current ?? (await inTime(this.#schema.read(), deadline));
    try {
      const context = this.#planContext(shape, view);
      const result = await importRecords(action.value, context, operation, pieces, deadline);
      if (result.dropped.some((name) => isUnknown(name, shape, view))) void this.#schema.doubt();
      return result;
    } catch (error) {
      if (isMismatch(MillraceError.from(error))) void this.#schema.doubt();
      throw error;
    }
  }

  /** Another view than the one that did not fit, where there is one by now. */
  async #newerThan(view: SchemaView, deadline: Deadline): Promise<SchemaView | undefined> {
    const reading = this.#schema.doubt();
    if (reading) await inTime(reading, deadline);
    return this.#schema.current === view ? undefined : this.#schema.current;
  }

  /** Before all is known: of a large database the table alone is there long before the rest. */
  #firstView(operation: Operation, shape: Shape, deadline: Deadline): Promise<SchemaView> {
    const table = loneTable(shape, operation);
    return inTime(table === undefined ? this.#schema.read() : this.#schema.readTable(table), deadline);
  }

  close(): Promise<void> {
    this.#schema.close();
    return this.#options.source.close();
  }

  #runner(shape: Shape, view: SchemaView): Runner {
    if (this.#planned?.view !== view) {
      this.#planned = { view, context: this.#context(view), runners: new WeakMap() };
    }
    const { runners } = this.#planned;
    let runner = runners.get(shape);
    if (!runner) {
      runner = this.#plan(shape, this.#planContext(shape, view));
      runners.set(shape, runner);
    }
    return runner;
  }

  #planContext(shape: Shape, view: SchemaView): ServiceContext {
    const context = this.#planned?.view === view ? this.#planned.context : this.#context(view);
    const mergesForeign = shape.action.case === 'read' && shape.action.value.mergesForeign;
    return { ...context, access: new TableAccess(shape), strict: shape.strict, mergesForeign };
  }

  #context(view: SchemaView): ViewContext {
    const { name, source, engine, config, maxRecordsReturned } = this.#options;
    const asked = Number(config['max_records'] ?? 0);
    return {
      serviceName: name,
      source,
      dialect: engine.dialect,
      view,
      maxRecords: Math.min(asked > 0 ? asked : MAX_RECORDS, maxRecordsReturned),
      allowUpsert: config['allow_upsert'] === true,
      writes: this.#writes,
    };
  }

  #plan({ action, keyPart, strict }: Shape, context: ServiceContext): Runner {
    if (keyPart && strict) {
      throw new MillraceError('invalid', `Unknown option(s): '${keyPart.field}'.`, { fields: [keyPart.field] });
    }
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
        return planListResources(action.value, this.#schema, this.#routines);
      case 'describeTables':
        return planDescribeTables(action.value, this.#schema);
      case 'describeParts':
        return planDescribeParts(action.value, this.#schema);
      case 'defineTables':
      case 'defineParts':
      case 'dropTables':
      case 'dropParts':
        return planDefine(action, this.#schema, context, this.#options.saveExtras);
      case 'describeRoutines':
        return planDescribeRoutines(action.value, this.#routines);
      case 'call':
        return planCall(action.value, this.#routines, context);
      case undefined:
        throw new MillraceError('invalid', 'The operation is missing or not known to this version.');
      default:
        return unreachable(action);
    }
  }
}

/** A field that a record brought and the table, as far as we know, does not have. */
function isUnknown(name: string, { action }: Shape, view: SchemaView): boolean {
  if (action.case !== 'create' && action.case !== 'update') return false;
  return view.byWireName.get(action.value.table)?.byFieldWireName.get(name) === undefined;
}
