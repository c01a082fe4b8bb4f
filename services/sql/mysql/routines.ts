/** Stored procedures and functions of a MySQL or MariaDB database: what there is, and how they are called. */

import type { Routine, RoutineParam } from '#common/schema/catalogue.ts';
import { type DriverValue, jsonText } from '../encode/row-writer.ts';
import type { CallResult } from '../engine.ts';
import type { Param, Statement } from '../statement.ts';
import type { MysqlConnection } from './connection.ts';
import { single } from './decode.ts';
import { keyOf, type Row, reading, type TextQuery, text, within } from './introspect.ts';
import { quoteIdentifier } from './quote.ts';
import { columnType } from './types.ts';

/** MariaDB has packages too, which cannot be called. */
const routines = (isAll: boolean): string => `
select routine_schema, routine_name, routine_type, data_type from information_schema.routines
where routine_type in ('PROCEDURE', 'FUNCTION') and ${within('routine_schema', isAll)}
order by routine_schema, routine_name`;

/** What a function returns stands in front of its parameters, without a mode. */
const parameters = (isAll: boolean): string => `
select specific_schema, specific_name, routine_type, parameter_mode, parameter_name, dtd_identifier, data_type,
  character_set_name
from information_schema.parameters where ${within('specific_schema', isAll)}
order by specific_schema, specific_name, routine_type, ordinal_position`;

/** The defaults that parameters of MariaDB 11.8 may have are not in its catalogue: what is not given is NULL. */
export async function introspectRoutines(
  query: TextQuery,
  database: string,
  schemaSetting: string | undefined,
): Promise<Routine[]> {
  const { naming, rows } = reading(query, database, schemaSetting);
  const found = await rows(routines);
  const params = new Map<string, Row[]>();
  for (const row of await rows(parameters)) {
    const key = keyOf(row[0], row[1], row[2]);
    params.set(key, [...(params.get(key) ?? []), row]);
  }
  return found.map((row) => toRoutine(row, params.get(keyOf(row[0], row[1], row[2])) ?? [], naming));
}

function toRoutine(row: Row, params: readonly Row[], naming: string): Routine {
  const [schemaName, routineName] = [text(row[0]), text(row[1])];
  const isFunction = row[2] === 'FUNCTION';
  return {
    kind: isFunction ? 'function' : 'procedure',
    name: schemaName === naming ? routineName : `${schemaName}.${routineName}`,
    schemaName,
    routineName,
    params: params
      .filter(([, , , mode]) => mode !== null)
      .map((param) => ({
        name: text(param[4]),
        mode: text(param[3]) as RoutineParam['mode'],
        type: typeOf(param),
        hasDefault: false,
      })),
    columns: params.filter(([, , , mode]) => mode === null).map((result) => ({ name: 'output', type: typeOf(result) })),
    isScalar: isFunction,
  };
}

function typeOf([, , , , , dtd, dataType, charset = null]: Row): RoutineParam['type'] {
  return columnType({ columnType: text(dtd), dataType: text(dataType), charset, isJson: dataType === 'json' });
}

const nameOf = ({ schemaName, routineName }: Routine): string =>
  `${quoteIdentifier(schemaName)}.${quoteIdentifier(routineName)}`;

export function functionStatement(routine: Routine, params: readonly Param[]): Statement {
  const columns = routine.columns.map(({ name, type }) => ({ name, json: type.json }));
  return { text: `select ${nameOf(routine)}(${params.map(() => '?').join(', ')}) as output`, params, columns };
}

/**
 * What a procedure gives through its parameters, it gives to variables of the session.
 * @param params  one for each IN and INOUT parameter
 */
export async function callProcedure(
  connection: MysqlConnection,
  routine: Routine,
  params: readonly Param[],
): Promise<CallResult> {
  const variable = (param: RoutineParam): string => `@millrace_${routine.params.indexOf(param)}`;
  const inputs = routine.params.filter(({ mode }) => mode !== 'OUT');
  const valuesOf = (wanted: RoutineParam['mode']): Param[] =>
    inputs.flatMap(({ mode }, i) => (mode === wanted ? [params[i] ?? null] : []));
  const both = routine.params.filter(({ mode }) => mode === 'INOUT');
  if (both.length > 0) {
    const assigned = both.map((param) => `${variable(param)} = ?`).join(', ');
    await connection.run({ text: `set ${assigned}`, params: valuesOf('INOUT'), columns: [] });
  }
  const list = routine.params.map((param) => (param.mode === 'IN' ? '?' : variable(param))).join(', ');
  const sets = await connection.sets(`call ${nameOf(routine)}(${list})`, valuesOf('IN'));
  const given = routine.params.filter(({ mode }) => mode !== 'IN');
  if (given.length === 0) return { sets, out: undefined };
  const values = await connection.values(`select ${given.map(variable).join(', ')}`);
  const members = given.map(({ name, type }, i) => {
    return `${JSON.stringify(name)}:${jsonText(declared(values[i] ?? null, type), type.json)}`;
  });
  return { sets, out: Buffer.from(`{${members.join(',')}}`) };
}

/** A variable holds whole numbers, decimals, doubles, texts and bytes; all but a float of four bytes fit one of them. */
const declared = (value: DriverValue, { type }: RoutineParam['type']): DriverValue =>
  type === 'float' && value !== null ? single(value) : value;
