/** `_proc` and `_func`: stored procedures and functions (database-api §7). */
import { create } from '@bufbuild/protobuf';
import { invalid, MillraceError } from '#common/errors.ts';
import { stringifyJson } from '#common/json.ts';
import {
  CallSchema,
  DescribeRoutinesSchema,
  RoutineKind,
  type Shape,
  ShapeSchema,
  type Value,
} from '#proto/data/v1/data_pb.ts';
import type { ApiRequest } from './api-request.ts';
import { namesOf, textValue, toValue } from './options.ts';
import { isOption } from './prefer.ts';
import type { Parsed } from './records.ts';

const NOTHING = new Uint8Array();

interface Arguments {
  /** Empty: by position. */
  readonly names: readonly string[];
  readonly values: readonly Value[];
}

/** Full descriptions of the routines that are named. */
export function describeRoutines(request: ApiRequest, service: string, kind: RoutineKind, names: string[]): Parsed {
  const value = create(DescribeRoutinesSchema, { kind, names, refresh: request.query.flag('refresh') });
  return parsed(create(ShapeSchema, { service, action: { case: 'describeRoutines', value } }), [], true);
}

/** @param called  as in the path: `name` or `name(1, x)` */
export function parseCall(request: ApiRequest, service: string, kind: RoutineKind, called: string): Parsed {
  if (request.verb !== 'GET' && request.verb !== 'POST') {
    throw new MillraceError('unsupported', `${request.verb} requests are not supported on procedures and functions.`);
  }
  const open = called.indexOf('(');
  const inline = open < 0 ? '' : called.slice(open + 1).replace(/\)\s*$/, '');
  const { names, values } = argumentsOf(request, inline);
  const value = create(CallSchema, {
    kind,
    name: open < 0 ? called : called.slice(0, open),
    names: [...names],
    wrapper: kind === RoutineKind.PROCEDURE ? textOption(request, 'wrapper') : '',
    returns: textOption(request, 'returns'),
    casts: castsOf(request),
  });
  return parsed(create(ShapeSchema, { service, action: { case: 'call', value } }), values, false);
}

/** `schema` of the body: types of members of the answer. @throws MillraceError invalid */
function castsOf(request: ApiRequest): Record<string, string> {
  const casts = request.http.body.length > 0 ? request.body.option('schema') : undefined;
  if (casts === undefined || casts === null) return {};
  const entries = typeof casts === 'object' ? Object.entries(casts) : [];
  if (typeof casts !== 'object' || entries.some(([, type]) => typeof type !== 'string')) {
    throw invalid("'schema' must be an object of types by the names of fields.", { field: 'schema' });
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

/** The first that is there: `params` of the body, what stands in the path, the query. */
function argumentsOf(request: ApiRequest, inline: string): Arguments {
  const params = request.http.body.length > 0 ? request.body.option('params') : undefined;
  if (Array.isArray(params) && params.length > 0) return ofList(params);
  if (typeof params === 'string' && params !== '') return ofText(params);
  if (typeof params === 'object' && params !== null && Object.keys(params).length > 0) {
    const entries = Object.entries(params);
    return { names: entries.map(([name]) => name), values: entries.map(([, value]) => toValue(unwrapped(value))) };
  }
  if (inline.trim() !== '') return ofText(inline);
  const { query } = request;
  const names = query.names().filter((name) => !isOption(name) && name !== 'wrapper' && name !== 'returns');
  return { names, values: names.map((name) => textValue(query.get(name) ?? '')) };
}

function ofList(params: readonly unknown[]): Arguments {
  const named = params.every((one) => typeof one === 'object' && one !== null && 'name' in one);
  if (!named) return { names: [], values: params.map((one) => toValue(unwrapped(one))) };
  const list = params as readonly { name: unknown; value?: unknown }[];
  return {
    names: list.map(({ name }) => (typeof name === 'string' ? name : stringifyJson(name))),
    values: list.map(({ value }) => toValue(value ?? null)),
  };
}

function ofText(text: string): Arguments {
  return { names: [], values: text.split(',').map((part) => textValue(part.trim())) };
}

function unwrapped(value: unknown): unknown {
  const isWrapper = typeof value === 'object' && value !== null && !Array.isArray(value) && 'value' in value;
  return isWrapper ? value.value : value;
}

function textOption(request: ApiRequest, name: string): string {
  const inQuery = request.query.get(name);
  if (inQuery !== undefined) return inQuery;
  const value = request.http.body.length > 0 ? request.body.option(name) : undefined;
  return typeof value === 'string' ? value : '';
}

function parsed(shape: Shape, parameters: readonly Value[], repeatable: boolean): Parsed {
  return { shape, keys: [], parameters, records: NOTHING, single: shape.action.case === 'call', repeatable };
}

export const routineNames = (request: ApiRequest): string[] => namesOf(request.option('ids'));
