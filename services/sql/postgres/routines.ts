/** Stored procedures and functions of a PostgreSQL database: what there is, and how they are called. */
import type { Routine, RoutineParam, ValueType } from '#common/schema/catalogue.ts';
import type { Param, Statement } from '../statement.ts';
import { namingSchemaOf, type TextQuery } from './introspect.ts';
import { quoteIdentifier } from './quote.ts';
import { columnType } from './types.ts';

/** $1: the only schema, or empty for all. Aggregates, window functions and triggers cannot be called. */
const ROUTINES = `
select p.oid, n.nspname, p.proname, p.prokind, p.proretset, t.typtype, p.prorettype, format_type(p.prorettype, null),
  t.typrelid
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_type t on t.oid = p.prorettype
where p.prokind in ('f', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and ($1 = '' or n.nspname = $1) and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
  and has_function_privilege(p.oid, 'EXECUTE') and has_schema_privilege(n.oid, 'USAGE')
  and not exists (select 1 from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e')
order by n.nspname, p.proname, p.pronargs`;

/** $1: array of routine oids. Mode: i, o, b (both), v (variadic), t (column of the result). */
const PARAMS = `
select p.oid, coalesce(p.proargnames[a.place], ''), coalesce(p.proargmodes[a.place], 'i'), a.type,
  a.place > p.pronargs - p.pronargdefaults
from unnest($1::oid[]) as r(oid) join pg_catalog.pg_proc p on p.oid = r.oid
cross join lateral unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality as a(type, place)
order by p.oid, a.place`;

/** $1: array of oids of tables and composite types. */
const ATTRIBUTES = `
select a.attrelid, a.attname, a.atttypid
from unnest($1::oid[]) as r(oid) join pg_catalog.pg_attribute a on a.attrelid = r.oid
where a.attnum > 0 and not a.attisdropped order by a.attrelid, a.attnum`;

/** $1: array of type oids; domains are what they are made of. */
const TYPES = `
select u.oid, format_type(u.oid, null), format_type(b.oid, null), n.nspname, coalesce(e.typname, b.typname), e.oid is not null
from unnest($1::oid[]) as u(oid) join pg_catalog.pg_type t on t.oid = u.oid
join pg_catalog.pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
left join pg_catalog.pg_type e on e.oid = b.typelem and e.typarray = b.oid
join pg_catalog.pg_namespace n on n.oid = coalesce(e.typnamespace, b.typnamespace)`;

type Row = readonly (string | null)[];

const MODES: Readonly<Record<string, RoutineParam['mode']>> = { i: 'IN', v: 'IN', o: 'OUT', b: 'INOUT' };

export async function introspectRoutines(query: TextQuery, schemaSetting: string | undefined): Promise<Routine[]> {
  const { naming, only } = await namingSchemaOf(query, schemaSetting);
  const routines = await query(ROUTINES, [only]);
  const params = await query(PARAMS, [oids(routines.map((row) => row[0]))]);
  const attributes = await query(ATTRIBUTES, [oids(routines.map((row) => row[8]).filter((oid) => oid !== '0'))]);
  const used = [...routines.map((row) => row[6]), ...params.map((row) => row[3]), ...attributes.map((row) => row[2])];
  const types = new Map(
    (await query(TYPES, [oids([...new Set(used)])])).map(([oid, formatted, base, schemaName, typeName, isArray]) => [
      oid,
      columnType({
        formatted: formatted ?? '',
        baseFormatted: base ?? '',
        schemaName: schemaName ?? '',
        typeName: typeName ?? '',
        isArray: isArray === 't',
      }),
    ]),
  );
  const typeOf = (oid: string | null | undefined) => types.get(oid ?? null) as ValueType;
  return routines.map((row) => {
    const own = params.filter(([oid]) => oid === row[0]);
    return toRoutine(row, own, attributes, naming, typeOf);
  });
}

function toRoutine(
  [, schemaName, routineName, kind, returnsSet, typtype, returnOid, returnType, relation]: Row,
  params: readonly Row[],
  attributes: readonly Row[],
  naming: string,
  typeOf: (oid: string | null | undefined) => ValueType,
): Routine {
  const isFunction = kind === 'f';
  const named = (row: Row) => ({ name: row[1] ?? '', type: typeOf(row[3]) });
  // OUT parameters of a function are columns of its result, as those of RETURNS TABLE are.
  const given = params.filter((row) => row[2] !== 't' && (!isFunction || row[2] !== 'o'));
  const shown = params.filter((row) => ['t', 'o', 'b'].includes(row[2] ?? '')).map(named);
  const composite = attributes
    .filter(([oid]) => oid === relation)
    .map(([, name, type]) => ({ name: name ?? '', type: typeOf(type) }));
  const isScalar = isFunction && shown.length < 2 && typtype !== 'c' && returnsSet !== 't';
  const single = [{ name: shown[0]?.name ?? routineName ?? '', type: typeOf(returnOid) }];
  const rows = shown.length > 1 || (shown.length === 1 && returnsSet === 't') ? shown : composite;
  return {
    kind: isFunction ? 'function' : 'procedure',
    name: schemaName === naming ? (routineName ?? '') : `${schemaName}.${routineName}`,
    schemaName: schemaName ?? '',
    routineName: routineName ?? '',
    params: given.map((row) => ({
      ...named(row),
      mode: MODES[row[2] ?? ''] ?? 'IN',
      hasDefault: row[4] === 't' && row[2] !== 'o',
    })),
    columns: !isFunction ? [] : rows.length > 0 ? rows : returnType === 'void' ? [] : single,
    isScalar: isScalar && returnType !== 'void',
    hasNamedColumns: isFunction && rows === shown,
  };
}

const oids = (values: readonly (string | null | undefined)[]): string => `{${values.join(',')}}`;

/** `select * from f($1::int4)`, or `call p($1::int4, null)`: a procedure wants something for what it only gives. */
export function callStatement(routine: Routine, params: readonly Param[]): Statement {
  const name = `${quoteIdentifier(routine.schemaName)}.${quoteIdentifier(routine.routineName)}`;
  let given = 0;
  const values = routine.params.flatMap(({ mode, type }) => {
    if (mode === 'OUT') return [`null::${type.nativeType}`];
    return given < params.length ? [`$${++given}::${type.nativeType}`] : [];
  });
  const shown = routine.kind === 'procedure' ? routine.params.filter(({ mode }) => mode !== 'IN') : routine.columns;
  const columns = shown.map(({ name: column, type }) => ({ name: column, json: type.json }));
  const list = values.join(', ');
  const text = routine.kind === 'procedure' ? `call ${name}(${list})` : `select * from ${name}(${list})`;
  return { text, params, columns };
}
