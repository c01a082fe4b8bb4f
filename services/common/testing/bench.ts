/** A service over an opened engine, as the connector has it: what the suites of every engine ask and compare. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type SchemaExtra, SchemaExtraSchema } from '#proto/access/v1/access_pb.ts';
import {
  OperationSchema,
  type Result,
  type Shape,
  ShapeSchema,
  type Value,
  ValueSchema,
} from '#proto/data/v1/data_pb.ts';
import type { ExtraChange } from '#proto/system/v1/system_pb.ts';
import type { RecordPiece } from '../connector.ts';
import { Deadline } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { DataService } from '../tier/connector.ts';

export type Action = Exclude<NonNullable<MessageInitShape<typeof ShapeSchema>['action']>, { case: undefined }>;

export interface Ask {
  readonly action: Action;
  /** A list is a composite key. */
  readonly keys?: readonly unknown[];
  readonly parameters?: readonly Value[];
  /** A text goes as it is, for numbers that JavaScript cannot hold. */
  readonly records?: unknown;
  readonly strict?: boolean;
  readonly userId?: number;
}

/** What an answer comes to: its JSON, or the code of the failure and what the client learns beside it. */
export type Outcome = Success | Failure;

export interface Success {
  readonly json: unknown;
  readonly count?: number;
  readonly next?: number;
  readonly dropped?: readonly string[];
}

export interface Failure {
  readonly code: string;
  readonly field?: string;
  /** Of several records, in order: the JSON, or the code and field of the failure. */
  readonly batch?: readonly unknown[];
  readonly rolledBack?: boolean;
}

/** What is stored beside the schema comes back to the service, as the system service pushes it. */
export type SaveExtras = (changes: readonly ExtraChange[]) => Promise<void>;

export class ServiceBench {
  readonly #service: DataService;
  readonly #extras = new Map<string, SchemaExtra>();
  /** Equal shapes are one object, as the exchange server has it. */
  readonly #shapes = new Map<string, Shape>();

  constructor(serve: (saveExtras: SaveExtras) => DataService) {
    this.#service = serve(async (changes) => this.#keepExtras(changes));
  }

  /** What the system service would store and push. */
  #keepExtras(changes: readonly ExtraChange[]): void {
    for (const { table, field, relation, propertiesJson } of changes) {
      const key = JSON.stringify([table, field, relation]);
      const before = JSON.parse(Buffer.from(this.#extras.get(key)?.propertiesJson ?? '{}').toString()) as object;
      if (propertiesJson.length === 0) this.#extras.delete(key);
      else {
        const properties = { ...before, ...(JSON.parse(Buffer.from(propertiesJson).toString()) as object) };
        const json = Buffer.from(JSON.stringify(properties));
        const extra = { id: this.#extras.size + 1, serviceId: 1, table, field, relation, propertiesJson: json };
        this.#extras.set(key, create(SchemaExtraSchema, extra));
      }
    }
    this.#service.setExtras([...this.#extras.values()]);
  }

  close(): Promise<void> {
    return this.#service.close();
  }

  /** @throws MillraceError */
  ask(ask: Ask, deadline: Deadline = Deadline.after(30_000)): Promise<Result> {
    return this.#service.execute(operationOf(ask), this.#shapeOf(ask), deadline);
  }

  async *stream(ask: Ask, deadline: Deadline = Deadline.after(30_000)): AsyncGenerator<string> {
    for await (const piece of this.#service.stream(operationOf(ask), this.#shapeOf(ask), deadline)) {
      yield Buffer.from(piece).toString();
    }
  }

  /** @param pieces  lists of records; a text goes as it is, with the number of its lines */
  async import(ask: Ask, pieces: AsyncIterable<RecordPiece> | readonly (readonly unknown[])[]): Promise<Outcome> {
    const given = Array.isArray(pieces) ? piecesOf(pieces) : (pieces as AsyncIterable<RecordPiece>);
    try {
      const { action } = ask;
      return outcomeOf(
        await this.#service.import(operationOf({ action }), this.#shapeOf(ask), given, Deadline.after(30_000)),
      );
    } catch (error) {
      const { code, context } = MillraceError.from(error);
      return { code, ...(context as object) };
    }
  }

  async outcome(ask: Ask, deadline?: Deadline): Promise<Outcome> {
    try {
      return outcomeOf(await this.ask(ask, deadline));
    } catch (error) {
      return failureOf(error);
    }
  }

  #shapeOf({ action, strict = false }: Ask): Shape {
    const key = JSON.stringify([action, strict]);
    let shape = this.#shapes.get(key);
    if (!shape) {
      shape = create(ShapeSchema, { service: 'db', action, unruled: true, strict });
      this.#shapes.set(key, shape);
    }
    return shape;
  }
}

/** Each record on a line of its own, counted on from piece to piece. */
export async function* piecesOf(pieces: readonly (readonly unknown[])[]): AsyncGenerator<RecordPiece> {
  let line = 1;
  for (const records of pieces) {
    const texts = records.map((record) => `${typeof record === 'string' ? record : JSON.stringify(record)}\n`);
    yield { records: Buffer.from(texts.join('')), lines: texts.map(() => line++) };
  }
}

function operationOf({ keys = [], parameters = [], records, userId = 0 }: Ask) {
  const json = typeof records === 'string' ? records : records === undefined ? '' : JSON.stringify(records);
  return create(OperationSchema, {
    keys: keys.map(wireValue),
    parameters: [...parameters],
    records: Buffer.from(json),
    caller: { userId },
  });
}

function outcomeOf({ json, count, next, dropped }: Result): Outcome {
  return {
    json: parseJson(json),
    ...(count === undefined ? {} : { count: Number(count) }),
    ...(next === undefined ? {} : { next: Number(next) }),
    ...(dropped.length > 0 ? { dropped } : {}),
  };
}

export function failureOf(thrown: unknown): Failure {
  const { code, context, batch } = MillraceError.from(thrown);
  // Which field a conflict is about, some databases do not say.
  const field = code === 'conflict' ? undefined : context?.['field'];
  return {
    code,
    ...(typeof field === 'string' ? { field } : {}),
    ...(batch && {
      batch: batch.outcomes.map((one) => ('error' in one ? failureOf(one.error) : parseJson(one.json))),
      rolledBack: batch.rolledBack,
    }),
  };
}

/** A Value as the router sends it. */
export function wireValue(value: unknown): Value {
  if (Array.isArray(value))
    return create(ValueSchema, { kind: { case: 'list', value: { values: value.map(wireValue) } } });
  if (value === null) return create(ValueSchema, { kind: { case: 'null', value: true } });
  if (typeof value === 'boolean') return create(ValueSchema, { kind: { case: 'boolean', value } });
  if (typeof value === 'string') return create(ValueSchema, { kind: { case: 'text', value } });
  return create(ValueSchema, { kind: { case: 'number', value: String(value) } });
}
