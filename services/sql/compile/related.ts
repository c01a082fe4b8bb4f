/** Related records as SQL: all that belong to any of the owners, by one statement. */

import type { FieldView } from '#common/schema/extras.ts';
import type { RelationEnds } from '#common/schema/relation-ends.ts';
import type { Related } from '#proto/data/v1/data_pb.ts';
import type { ServiceContext } from '../execute/context.ts';
import { hiddenOutputs, type Output } from '../plan/selection.ts';
import { quoteName, SqlBuilder, tableName } from './builder.ts';
import { compileFilters } from './filter.ts';
import { ListTemplate } from './list.ts';
import { groupSql, orderSql } from './read.ts';

export interface Branch {
  /** The field whose values the owners' are compared to. */
  readonly owner: FieldView;
  /** Its record is the list of the owners' values; its first hidden column tells whose a row is. */
  readonly template: ListTemplate;
}

/** Names of the junction's columns beside the far table's own. */
const NEAR = 'near of the relation';
const LINK = 'link of the relation';

/** @param outputs  columns of the far table; `count`: how many rows each owner has, as the second hidden column */
export function compileBranch(
  related: Pick<Related, 'filter' | 'order' | 'limit' | 'group'>,
  { far, target, junction }: RelationEnds,
  outputs: readonly Output[] | 'count',
  context: Pick<ServiceContext, 'dialect' | 'view' | 'access' | 'maxRecords'>,
): Branch {
  const { dialect, access, maxRecords } = context;
  const owner = junction ? junction.near : target;
  const ownerColumn = owner.column as NonNullable<FieldView['column']>;
  const whose: Output = junction
    ? { sql: quoteName(NEAR, dialect), column: { name: NEAR, json: ownerColumn.json, hidden: true } }
    : (hiddenOutputs([target], dialect)[0] as Output);
  const counted: Output = { sql: 'count(*)', column: { name: 'count', json: 'number', hidden: true } };
  const shown = [whose, ...(outputs === 'count' ? [counted] : outputs)];
  const template = new ListTemplate(dialect, (condition) => {
    const builder = new SqlBuilder(context);
    const isOwned = (): string => condition(builder.quote(ownerColumn.name), ownerColumn, builder);
    builder.add(`select ${shown.map(({ sql }) => sql).join(', ')} from ${tableName(far.table, dialect)}`);
    const conditions: string[] = [];
    if (junction) {
      const near = `${builder.quote(ownerColumn.name)} as ${builder.quote(NEAR)}`;
      const link = `${builder.quote(junction.link.name)} as ${builder.quote(LINK)}`;
      const own = compileFilters([access.reading(junction.table)], junction.table, builder);
      const inner = own ? `${isOwned()} and ${own}` : isOwned();
      const alias = builder.alias();
      builder.add(` join (select ${near}, ${link} from ${tableName(junction.table.table, dialect)} where ${inner})`);
      builder.add(` ${alias} on ${builder.quote(target.name)} = ${alias}.${builder.quote(LINK)}`);
    } else conditions.push(isOwned());
    const filter = compileFilters([related.filter, access.reading(far)], far, builder);
    if (filter) conditions.push(filter);
    if (conditions.length > 0) builder.add(` where ${conditions.join(' and ')}`);
    const group = outputs === 'count' ? [whose.sql] : groupOf(related.group, whose, far, context);
    if (group.length > 0) builder.add(` group by ${group.join(', ')}`);
    if (outputs !== 'count') {
      if (related.order.length > 0) builder.add(` order by ${orderSql(related.order, far, shown, dialect)}`);
      const limit = related.limit > 0 ? Math.min(related.limit, maxRecords) : maxRecords;
      builder.add(` limit ${builder.placeholder(() => limit, dialect.wholeNumberType)}`);
    }
    return builder.finish(shown.map(({ column }) => column));
  });
  return { owner, template };
}

function groupOf(
  group: readonly string[],
  whose: Output,
  far: RelationEnds['far'],
  { dialect }: Pick<ServiceContext, 'dialect'>,
): string[] {
  return group.length > 0 ? [whose.sql, groupSql(group, far, dialect)] : [];
}
