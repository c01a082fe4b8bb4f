/** How a list would be found: what the store is asked, and what is done here with what it answers. Nothing is read. */

import { stringifyJson } from '#common/json.ts';
import { type Runner, resultOf } from '#common/records/result.ts';
import type { TableView } from '#common/schema/extras.ts';
import { Comparator, type Read } from '#proto/data/v1/data_pb.ts';
import type { Condition } from '../engine.ts';
import { isNever } from '../plan/conditions.ts';
import { conditionOf, type ServiceContext, storedOf } from './context.ts';
import { planGroups } from './groups.ts';
import { divide, orderOf } from './scan.ts';

export function planExplain(read: Read, table: TableView, context: ServiceContext): Runner {
  const stored = storedOf(table, context);
  const order = orderOf(read.order, table);
  const { pushdown } = context.engine;
  const groups = read.group.length > 0 ? planGroups(read, table, context) : undefined;
  return async (operation) => {
    const condition = conditionOf([read.filter, read.rowFilter], table, operation, context);
    const wanted = { table: stored, condition, order, offset: read.offset, limit: undefined, fields: undefined };
    const { pushed, residual, sortsHere, skipsHere } = divide(wanted, context);
    // Groups are put in order, and passed over, once they are made.
    const isGrouped = groups !== undefined;
    const groupsHere = groups !== undefined && !groups.isPushed(condition);
    const nothing = condition !== undefined && isNever(condition);
    const plan = {
      table: stored.name,
      engine: context.engine.name,
      ...(context.explained && { related: context.explained }),
      pushed: nothing ? null : shown(pushed),
      residual: nothing ? null : shown(residual),
      order: order.length === 0 ? null : isGrouped || sortsHere ? 'residual' : 'pushed',
      offset: read.offset === 0 ? null : isGrouped || skipsHere ? 'residual' : 'pushed',
      group: isGrouped ? (groupsHere ? 'residual' : 'pushed') : null,
      count: pushdown.count && residual === undefined ? 'pushed' : 'residual',
      // Documents are read that are no part of the answer: as many as max_scanned allows.
      scan: !nothing && (isGrouped ? groupsHere : residual !== undefined || sortsHere || skipsHere),
      max_scanned: context.scannedMax,
    };
    return resultOf(Buffer.from(stringifyJson(plan)));
  };
}

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(Comparator).map(([name, value]) => [value, name.toLowerCase()]),
);

/** A condition as a plan shows it. */
export function shown(condition: Condition | undefined): unknown {
  switch (condition?.kind) {
    case undefined:
      return null;
    case 'all':
    case 'any':
      return { [condition.kind]: condition.of.map(shown) };
    case 'not':
      return { not: shown(condition.of) };
    case 'native':
      return { native: condition.query };
    case 'compare': {
      const { field, comparator, operands } = condition;
      return { field, is: NAMES.get(comparator), ...(operands.length > 0 && { values: operands }) };
    }
  }
}
