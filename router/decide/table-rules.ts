/**
 * Records lead to records of other tables, with rules of their own. Which tables they are only the connector knows: it
 * names them, and here is decided what the caller may do with each.
 */
import { LRUCache } from 'lru-cache';
import { ALL_VERBS, VERB_BITS, verbNames } from '#common/verbs.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { Related, Shape, TableRule, Value } from '#proto/data/v1/data_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { tableComponent } from '../parse/route.ts';
import { allowedMask } from './access.ts';
import { type RowFilter, shiftParameters } from './row-filter.ts';

/** Calls whose tables are remembered. */
const CALLS_MAX = 5000;
/** Longer ones are seldom repeated, and asked about each time. */
const KEY_LENGTH_MAX = 1024;

/** Which tables the connector asked for, by the call that leads to them: the next one brings their rules at once. */
export class ReachedTables {
  readonly #tables = new LRUCache<string, readonly string[]>({ max: CALLS_MAX });

  of(service: Service, shape: Shape): readonly string[] {
    const key = keyOf(service, shape);
    return (key !== undefined && this.#tables.get(key)) || [];
  }

  learn(service: Service, shape: Shape, tables: readonly string[]): void {
    const key = keyOf(service, shape);
    if (key !== undefined) this.#tables.set(key, tables);
  }
}

/** undefined: nothing is remembered, as the records decide. */
function keyOf(service: Service, { action }: Shape): string | undefined {
  switch (action.case) {
    case 'read':
    case 'create':
    case 'update':
    case 'delete': {
      const { table, related } = action.value;
      if (related.length === 0) return undefined;
      const key = `${service.id} ${table.toLowerCase()} ${namesOf(related)}`;
      return key.length <= KEY_LENGTH_MAX ? key : undefined;
    }
    default:
      return undefined;
  }
}

function namesOf(related: readonly Related[]): string {
  return related.map(({ name, related: inner }) => `${JSON.stringify(name)}(${namesOf(inner)})`).join();
}

/** One rule for all tables of the service: nothing has to be told of any of them. */
export function isUnruled({ action }: Shape, service: Service, principal: Principal): boolean {
  const { isAdmin, role, requestor } = principal;
  if (isAdmin) return true;
  const verbs = action.case === 'read' ? (VERB_BITS['GET'] ?? 0) : ALL_VERBS;
  return role?.coversAllTables(service.id, verbs, requestor) === true;
}

export interface TableRules {
  readonly rules: readonly TableRule[];
  readonly parameters: readonly Value[];
}

/**
 * @param offset     parameters that stand before those of the rules
 * @param rowFilter  the role's conditions on a table for a verb
 */
export function tableRules(
  tables: readonly string[],
  service: Service,
  principal: Principal,
  offset: number,
  rowFilter: (verb: string, table: string) => RowFilter | undefined,
): TableRules {
  const parameters: Value[] = [];
  const rules = tables.map((table): TableRule => {
    const verbs = allowedMask(principal, service, tableComponent(table));
    const filtered = verbNames(ALL_VERBS).filter((verb) => rowFilter(verb, table) !== undefined);
    const own = rowFilter('GET', table);
    const filter = own && shiftParameters(own.filter, offset + parameters.length);
    if (own) parameters.push(...own.parameters);
    return {
      $typeName: 'millrace.data.v1.TableRule',
      table,
      verbs,
      filteredVerbs: filtered.reduce((mask, verb) => mask | (VERB_BITS[verb] ?? 0), 0),
      ...(filter ? { rowFilter: filter } : {}),
    };
  });
  return { rules, parameters };
}
