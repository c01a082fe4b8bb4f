/** Stored procedures and functions: what is given becomes parameters, what comes back becomes JSON (database-api §7). */

import { invalid, MillraceError } from '#common/errors.ts';
import { JsonNumber, parseJson, stringifyJson } from '#common/json.ts';
import { arrayOfPieces } from '#common/records/pieces.ts';
import type { Runner } from '#common/records/result.ts';
import { resultOf } from '#common/records/result.ts';
import { plainValue } from '#common/records/values.ts';
import type { Routine, RoutineParam } from '#common/schema/catalogue.ts';
import type { FieldView } from '#common/schema/extras.ts';
import { defaultLabel } from '#common/schema/labels.ts';
import { jsonResult } from '#common/schema/listing.ts';
import { type Call, type DescribeRoutines, RoutineKind, type Value } from '#proto/data/v1/data_pb.ts';
import { operandCoercionOf } from '../compile/coerce.ts';
import type { CallResult } from '../engine.ts';
import type { RoutineCache } from '../routine-cache.ts';
import type { Param, Rows } from '../statement.ts';
import type { ServiceContext } from './context.ts';
import { arrayOf, rowAt } from './rows.ts';

const EMPTY_LIST = Buffer.from('[]');
const ALL_VERBS_MASK = 31;

export function planDescribeRoutines({ kind, names, refresh }: DescribeRoutines, cache: RoutineCache): Runner {
  return async () => {
    if (refresh) await cache.all(kind, true);
    const found = await Promise.all(names.map((name) => cache.named(kind, name)));
    return jsonResult(found.map(([first]) => describeRoutine(first)));
  };
}

function describeRoutine(routine: Routine): Record<string, unknown> {
  const { kind, name, columns, isScalar, hasNamedColumns } = routine;
  // Columns of a result that are declared are shown as what they are declared as.
  const shown = hasNamedColumns ? columns.map((column) => ({ ...column, mode: 'OUT' })) : [];
  const params = [...routine.params, ...shown];
  const returnType = kind === 'procedure' || columns.length === 0 ? null : isScalar ? columns[0]?.type.type : 'string';
  return {
    alias: null,
    name,
    label: defaultLabel(name),
    description: null,
    native: [],
    return_type: returnType,
    return_schema: [],
    params: params.map(({ name: param, mode, type }, i) => ({
      name: param,
      position: i + 1,
      param_type: mode,
      type: type.type,
      db_type: type.dbType,
      length: type.length,
      precision: type.precision,
      scale: type.scale,
      default: null,
    })),
    access: ALL_VERBS_MASK,
  };
}

export function planCall(call: Call, cache: RoutineCache, context: ServiceContext): Runner {
  return async (operation, deadline) => {
    const overloads = await cache.named(call.kind, call.name);
    const routine = fitting(overloads, call, operation.parameters.length);
    const params = paramsOf(routine, call, operation.parameters, context);
    const { source } = context;
    if (!source.call) throw new MillraceError('unsupported', 'This database has no procedures.');
    const result = await source.call(routine, params, deadline);
    const json = call.kind === RoutineKind.FUNCTION ? ofFunction(routine, result) : ofProcedure(call, result);
    const shown = Object.keys(call.casts).length > 0 ? withCasts(json, call.casts) : json;
    return resultOf(call.returns && call.returns.toUpperCase() !== 'TABLE' ? collapsed(shown, call.returns) : shown);
  };
}

/** Of several with one name, the first that takes so many values, or these names. */
function fitting(overloads: readonly [Routine, ...Routine[]], { names }: Call, given: number): Routine {
  const fits = ({ params }: Routine): boolean => {
    if (names.length > 0) return names.every((name) => params.some((param) => sameName(param, name)));
    const required = params.filter(({ mode, hasDefault }) => mode !== 'OUT' && !hasDefault).length;
    return given >= required && given <= params.length;
  };
  return overloads.find(fits) ?? overloads[0];
}

const sameName = (param: RoutineParam, name: string): boolean => param.name.toLowerCase() === name.toLowerCase();

/** Values of the IN and INOUT parameters; what is missing at the end is left to the declared defaults. */
function paramsOf(routine: Routine, { names }: Call, values: readonly Value[], context: ServiceContext): Param[] {
  const given = (param: RoutineParam, index: number): Value | undefined => {
    if (names.length === 0) return values[index];
    const at = names.findIndex((name) => sameName(param, name));
    return at < 0 ? undefined : values[at];
  };
  const inputs = routine.params.flatMap((param, index) =>
    param.mode === 'OUT' ? [] : [{ param, value: given(param, index) }],
  );
  const last = inputs.findLastIndex(({ param, value }) => value !== undefined || !param.hasDefault);
  return inputs.slice(0, last + 1).map(({ param, value }) => {
    if (value === undefined) return null;
    return operandCoercionOf(fieldOf(param), context.dialect)(plainValue(value));
  });
}

/** A parameter as the coercions know fields. */
function fieldOf({ name, type }: RoutineParam): FieldView {
  const column = {
    ...{ ...type, name, default: null, nullable: true, autoIncrement: false, generated: false },
    ...{ multibyte: true, primaryKey: false, unique: false, indexed: false, foreignKey: null },
  };
  return {
    ...{ name, alias: null, wireName: name, label: name, description: null, type: type.type, required: false },
    ...{ picklist: null, validation: null, dbFunction: null, functions: null, clientInfo: null, column },
    ...{ isVirtual: false, isAggregate: false },
  };
}

/** One value as it is; one row as an object; several rows as a list. */
function ofFunction({ isScalar, columns }: Routine, { sets: [rows] }: CallResult): Uint8Array {
  const [column] = columns;
  if (!rows || rows.count === 0 || !column) return EMPTY_LIST;
  if (isScalar) return onlyMember(rowAt(rows, 0), column.name);
  return rows.count === 1 ? rowAt(rows, 0) : arrayOf(rows);
}

function ofProcedure({ wrapper }: Call, result: CallResult): Uint8Array {
  const { sets: filled, out } = asParams({ ...result, sets: result.sets.filter((rows) => rows.count > 0) });
  const [first] = filled;
  const rows = filled.length > 1 ? arrayOfPieces(filled.map(arrayOf)) : first ? arrayOf(first as Rows) : undefined;
  if (!out) return wrapper && rows ? wrapped(wrapper, rows) : (rows ?? EMPTY_LIST);
  if (!rows) return out;
  return Buffer.concat([wrapped(wrapper || 'resource', rows).subarray(0, -1), Buffer.from(','), out.subarray(1)]);
}

/** One row whose columns are named as OUT parameters are gives their values, and is no set. */
function asParams(result: CallResult): CallResult {
  const { sets, out } = result;
  if (!out || !sets.some(({ count }) => count === 1)) return result;
  const values = parseJson(out) as Record<string, unknown>;
  const rest = sets.filter((rows) => {
    const row = rows.count === 1 ? (parseJson(rows.json) as object) : undefined;
    if (!row || !Object.keys(row).every((name) => Object.hasOwn(values, name))) return true;
    Object.assign(values, row);
    return false;
  });
  return rest.length === sets.length ? result : { sets: rest, out: Buffer.from(stringifyJson(values)) };
}

function wrapped(name: string, json: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`{${JSON.stringify(name)}:`), json, Buffer.from('}')]);
}

/** The value of an object that has one member, as it is written there. */
function onlyMember(object: Uint8Array, name: string): Uint8Array {
  return object.subarray(Buffer.byteLength(`{${JSON.stringify(name)}:`), -1);
}

/** The first value of the first row, as the type that the caller named. */
function collapsed(json: Uint8Array, type: string): Uint8Array {
  let value = parseJson(json);
  while (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) !== null && !('text' in value)) {
    const [first] = Object.values(value);
    if (first === undefined) return Buffer.from('null');
    value = first;
  }
  return Buffer.from(stringifyJson(cast(value, type.toLowerCase())));
}

/** Members of the answer as the types that the caller gave them, wherever they stand. */
function withCasts(json: Uint8Array, casts: Readonly<Record<string, string>>): Uint8Array {
  const types = new Map(Object.entries(casts).map(([name, type]) => [name.toLowerCase(), type.toLowerCase()]));
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (!isRecord(value)) return value;
    const members = Object.entries(value).map(([name, member]) => {
      const type = types.get(name.toLowerCase());
      return [name, type === undefined || Array.isArray(member) ? walk(member) : cast(member, type)];
    });
    return Object.fromEntries(members);
  };
  return Buffer.from(stringifyJson(walk(parseJson(json))));
}

/** Not a number whose digits are kept. */
const isRecord = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !(value instanceof JsonNumber);

function cast(value: unknown, type: string): unknown {
  if (value === null) return null;
  const text = typeof value === 'object' ? String((value as { text?: string }).text) : String(value);
  switch (type) {
    case 'int':
    case 'integer':
      return Math.trunc(Number(text)) || 0;
    case 'float':
    case 'double':
    case 'decimal':
      return Number(text) || 0;
    case 'bool':
    case 'boolean':
      return /^(?:true|t|1|yes|on)$/i.test(text);
    case 'json':
      return typeof value === 'string' ? jsonOf(text) : value;
    default:
      return text;
  }
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(Buffer.from(text));
  } catch {
    throw invalid('A value of the result is no JSON.');
  }
}
