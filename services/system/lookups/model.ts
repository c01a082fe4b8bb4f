/** Lookups as records: those for everybody, and those of users, roles and apps (system-api §5.5). */
import { type Column, ID, type Model, TRACE, TRACE_RELATIONS } from '../records/model.ts';
import { LOOKUP_RULES, OWNERS, shownValue } from './rules.ts';

/** @param owner column of the user, role or app it belongs to; undefined: one for everybody */
function lookupModel(name: string, owner?: (typeof OWNERS)[number]): Model {
  const ownerColumns: Column[] = owner
    ? [{ name: owner, kind: 'integer', required: true, reference: owner.replace('_id', '') }]
    : [];
  return {
    name,
    table: 'lookup',
    label: 'Lookup',
    plural: 'Lookups',
    description: 'Named values for settings, filters and records.',
    key: 'id',
    columns: [
      ID,
      ...ownerColumns,
      { name: 'name', kind: 'string', length: 255, required: true },
      { name: 'value', kind: 'text', show: shownValue },
      { name: 'private', kind: 'boolean', default: 0 },
      { name: 'description', kind: 'string', length: 255 },
      ...TRACE,
    ],
    relations: TRACE_RELATIONS,
    scope: Object.fromEntries(OWNERS.flatMap((column) => (column === owner ? [] : [[column, null]]))),
    resource: owner === undefined,
    naturalKey: 'name',
    publishes: ['lookups'],
    rules: LOOKUP_RULES,
  };
}

export const LOOKUPS: readonly Model[] = [
  lookupModel('lookup'),
  lookupModel('user_lookup', 'user_id'),
  lookupModel('role_lookup', 'role_id'),
  lookupModel('app_lookup', 'app_id'),
];
