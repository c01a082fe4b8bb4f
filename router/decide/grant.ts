/**
 * What a decision makes of an operation: the role's row filter is joined to its tree, its parameters behind the
 * caller's own, and records that a filter must see are looked at here.
 */
import { LOOKUPS_MAX } from '#common/bounds.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import { VERB_BITS } from '#common/verbs.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { Filter, Shape, TableRule, Value } from '#proto/data/v1/data_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { tableComponent } from '../parse/route.ts';
import { allowedMask } from './access.ts';
import { creatorNames } from './creator-fields.ts';
import { countLookups, replaceLookups, replaceRuleLookups } from './lookups.ts';
import { withRecordLookups } from './record-lookups.ts';
import { type RowFilter, rowFilterOf, shiftParameters } from './row-filter.ts';
import { requireSchemaAccess } from './schema-access.ts';
import { isUnruled, tableRules } from './table-rules.ts';

/** The part of an operation that a decision may change. */
export interface Decidable {
  readonly shape: Shape;
  readonly parameters: readonly Value[];
  /** From here on the parameters are nothing that a caller wrote: no lookups stand in them. */
  readonly dataFrom?: number;
  readonly records: Uint8Array;
  /** Whose rows these are, as named in the path; undefined where there are none, as in the system's own records. */
  readonly table: string | undefined;
}

export interface Grant {
  readonly shape: Shape;
  readonly parameters: readonly Value[];
  readonly records: Uint8Array;
  /** Differs where the shape does: part of the key under which an encoded shape is remembered. */
  readonly variant: string;
  /** The role's conditions on records that come later than this; undefined: it has none. */
  readonly admits?: (record: unknown) => boolean;
}

const OPEN = '';

/**
 * @param reached  other tables of the service whose rules the connector wants
 * @throws MillraceError denied when a record to be written does not satisfy the role's conditions, or when a table
 *   that is named beside the path is not open to the role
 */
export function grant(
  operation: Decidable,
  verb: string,
  service: Service,
  principal: Principal,
  state: AccessState,
  reached: readonly string[] = [],
): Grant {
  const { table } = operation;
  if (table === undefined) {
    requireSchemaAccess(operation.shape, operation.records, verb, service, principal);
    const { shape, records } = operation;
    const isCall = shape.action.case === 'call';
    const parameters = isCall ? withLookups(operation.parameters, state, principal) : operation.parameters;
    return { shape, parameters, records, variant: OPEN };
  }
  const { dataFrom = operation.parameters.length } = operation;
  const said = withLookups(operation.parameters.slice(0, dataFrom), state, principal);
  const parameters = dataFrom < operation.parameters.length ? [...said, ...operation.parameters.slice(dataFrom)] : said;
  const records = withRecordLookups(operation.records, state, principal);
  const unruled = isUnruled(operation.shape, service, principal);
  const own = withCreation(operation.shape, () => unruled || mayCreate(table, service, principal, state));
  const shape = unruled ? { ...own, unruled } : own;
  const filter = rowFilter(verb, table, service, principal, state);
  if (!filter && (unruled || reached.length === 0)) return { shape, parameters, records, variant: OPEN };
  const admits =
    filter && admission(verb, filter, verb === 'POST' ? creatorNames(table, service, state) : [], principal);
  if (admits) checkRecords({ ...operation, parameters, records }, admits);
  const filtered = filter ? withRowFilter(shape, shiftParameters(filter.filter, parameters.length)) : shape;
  const before = [...parameters, ...(filter?.parameters ?? [])];
  const ruled = tableRules(unruled ? [] : reached, service, principal, before.length, (each, other) =>
    rowFilter(each, other, service, principal, state),
  );
  return {
    shape: { ...filtered, rules: ruled.rules as TableRule[] },
    parameters: [...before, ...ruled.parameters],
    records,
    variant: `${principal.role?.source.id}`,
    ...(admits && { admits }),
  };
}

function rowFilter(
  verb: string,
  table: string,
  service: Service,
  principal: Principal,
  state: AccessState,
): RowFilter | undefined {
  const { role, requestor, isAdmin } = principal;
  if (isAdmin || !role) return undefined;
  const entry = role.filterEntry(service.id, tableComponent(table), VERB_BITS[verb] ?? 0, requestor);
  return entry && rowFilterOf(entry, (text, isPattern) => replaceRuleLookups(text, state, principal, isPattern));
}

/** Without conditions: what an update creates would be checked against those of updates. */
function mayCreate(table: string, service: Service, principal: Principal, state: AccessState): boolean {
  const mask = allowedMask(principal, service, tableComponent(table));
  return (mask & (VERB_BITS['POST'] ?? 0)) !== 0 && rowFilter('POST', table, service, principal, state) === undefined;
}

/** An update that finds no record may create it only for those who may create records. */
function withCreation(shape: Shape, isAllowed: () => boolean): Shape {
  const { action } = shape;
  if (action.case !== 'update' || !action.value.upsert || isAllowed()) return shape;
  return { ...shape, action: { case: 'update', value: { ...action.value, upsert: false } } };
}

/** Lookups are values: they are replaced inside a value and can never become a part of the condition. */
function withLookups(parameters: readonly Value[], state: AccessState, principal: Principal): readonly Value[] {
  let count = 0;
  for (const { kind } of parameters) if (kind.case === 'text') count += countLookups(kind.value);
  if (count === 0) return parameters;
  if (count > LOOKUPS_MAX) throw invalid(`At most ${LOOKUPS_MAX} lookups are taken in the values of one request.`);
  return parameters.map((value) =>
    value.kind.case === 'text'
      ? { ...value, kind: { case: 'text', value: replaceLookups(value.kind.value, state, principal) } }
      : value,
  );
}

function withRowFilter(shape: Shape, filter: Filter): Shape {
  const { action } = shape;
  switch (action.case) {
    case 'read':
      return { ...shape, action: { case: 'read', value: { ...action.value, rowFilter: filter } } };
    case 'update':
      return { ...shape, action: { case: 'update', value: { ...action.value, rowFilter: filter } } };
    case 'delete':
      return { ...shape, action: { case: 'delete', value: { ...action.value, rowFilter: filter } } };
    default:
      return shape;
  }
}

/**
 * A record by its key is refused as such. Of several, all are refused where one is: the caller then knows that
 * nothing was written, and which records must not be.
 */
function checkRecords({ shape, records }: Decidable, admits: (record: unknown) => boolean): void {
  const { action } = shape;
  if ((action.case !== 'create' && action.case !== 'update') || records.length === 0) return;
  const parsed = parseJson(records);
  const single = !Array.isArray(parsed);
  const refused = (single ? [parsed] : parsed).map((record) => !admits(record));
  if (!refused.includes(true)) return;
  const denied = () => new MillraceError('denied', 'Denied access to some of the requested fields.');
  if (single) throw denied();
  const bystander = () => new MillraceError('invalid', 'Not written, as another record of the request was refused.');
  const outcomes = refused.map((one) => ({ error: one ? denied() : bystander() }));
  throw new MillraceError('invalid', 'Some of the records were refused.', undefined, undefined, {
    outcomes,
    rolledBack: false,
  });
}

/** @param creators  fields that are filled in behind the decision, with the caller's id whatever was sent */
function admission(
  verb: string,
  filter: RowFilter,
  creators: readonly string[],
  { user }: Principal,
): (record: unknown) => boolean {
  const filledIn = user ? creators.map((name) => [name.toLowerCase(), name] as const) : [];
  return (record) => {
    // What is no record is refused by whoever reads it for what it is.
    if (typeof record !== 'object' || record === null) return true;
    const given = new Set(Object.keys(record).map((key) => key.toLowerCase()));
    const missing = filledIn.filter(([known]) => !given.has(known)).map(([, name]) => [name, user?.id] as const);
    return filter.admits({ ...record, ...Object.fromEntries(missing) }, verb === 'POST');
  };
}
