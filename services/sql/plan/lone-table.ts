/** Which operations can be planned with one table alone, before anything is known of the others. */
import type { Comparison, Filter, Operation, Related, Shape } from '#proto/data/v1/data_pb.ts';

/**
 * @returns the table as in `_table`, where nothing of the operation can lead to another one; undefined where something
 *   may, or where it is about the schema
 */
export function loneTable({ action }: Shape, { records }: Operation): string | undefined {
  switch (action.case) {
    case 'read': {
      const { table, filter, rowFilter, having, order, related, includeSchema } = action.value;
      const leads = includeSchema || isRelated(related) || [filter, rowFilter, having].some(leadsOn);
      return leads || order.some(({ field }) => isPath(field)) ? undefined : table;
    }
    case 'create':
      return isRelated(action.value.related) || isNested(records) ? undefined : action.value.table;
    case 'update': {
      const { table, filter, rowFilter, related } = action.value;
      return isRelated(related) || leadsOn(filter) || leadsOn(rowFilter) || isNested(records) ? undefined : table;
    }
    case 'delete': {
      const { table, filter, rowFilter, related } = action.value;
      return isRelated(related) || leadsOn(filter) || leadsOn(rowFilter) ? undefined : table;
    }
    default:
      return undefined;
  }
}

const isRelated = (related: readonly Related[]): boolean => related.length > 0;

/** `customer.country`; a field may have a dot in its name as well. */
const isPath = (field: string): boolean => field.includes('.');

function leadsOn(filter: Filter | undefined): boolean {
  switch (filter?.node.case) {
    case 'comparison':
      return isPath((filter.node.value as Comparison).field);
    case 'all':
    case 'any':
      return filter.node.value.filters.some(leadsOn);
    case 'not':
      return leadsOn(filter.node.value);
    default:
      return false;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** A member of a record is a list or an object: perhaps records of another table. */
function isNested(json: Uint8Array): boolean {
  const first = json.find((byte) => byte === OPEN_LIST || byte === OPEN_OBJECT);
  const depthMax = first === OPEN_LIST ? 2 : 1;
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) at = endOfText(json, at);
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      depth += 1;
      if (depth > depthMax) return true;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
  }
  return false;
}

/** @param at  of the opening quote @returns that of the closing one */
function endOfText(json: Uint8Array, at: number): number {
  let end = at + 1;
  while (end < json.length && json[end] !== QUOTE) end += json[end] === BACKSLASH ? 2 : 1;
  return end;
}
