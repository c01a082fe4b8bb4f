/** The order of a list, and of the records of a relation. */
import { type RawBuilder, sql } from 'kysely';
import { type Order, Order_Nulls } from '#proto/data/v1/data_pb.ts';
import { comparable } from './filter.ts';
import type { Model } from './model.ts';

/** `order by` of the wanted fields, with the key behind them so that pages never overlap. */
export function orderBy(model: Model, order: readonly Order[]): RawBuilder<unknown> {
  const parts = order.flatMap(({ field, descending, nulls }) => {
    const ref = sql.ref(comparable(model, field).name);
    const value = descending ? sql`${ref} desc` : sql`${ref} asc`;
    if (nulls === Order_Nulls.UNSPECIFIED) return [value];
    const [absent, present] = nulls === Order_Nulls.FIRST ? [0, 1] : [1, 0];
    return [sql`case when ${ref} is null then ${sql.lit(absent)} else ${sql.lit(present)} end`, value];
  });
  return sql.join([...parts, sql.ref(model.key)]);
}
