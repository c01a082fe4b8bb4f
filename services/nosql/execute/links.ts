/** What leads from document to document: values that are the same as texts, whatever type they are stored as. */
import type { Deadline } from '#common/deadline.ts';
import { stringifyJson } from '#common/json.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { Comparator, type Filter, type Operation, type Value } from '#proto/data/v1/data_pb.ts';
import type { Document, StoredDocument, Wire } from '../document.ts';
import type { Condition } from '../engine.ts';
import { sensesOf } from '../plan/coerce.ts';
import { joinAll } from '../plan/conditions.ts';
import { tagOf } from '../residual/compare.ts';
import type { SortKey } from '../residual/sort.ts';
import { conditionOf, type ServiceContext, storedOf } from './context.ts';
import { scan } from './scan.ts';

/** What a value that leads somewhere is as text; null where it leads nowhere. */
export function linkText(value: Wire | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  const tag = tagOf(value);
  const inner = tag === undefined ? value : (value as Document)[tag];
  return typeof inner === 'string' ? inner : stringifyJson(inner);
}

/** Does the field hold one of these? */
export function leadsTo(field: FieldView, values: readonly string[], { engine }: ServiceContext): Condition {
  const operands = [...new Set(values.flatMap((text) => sensesOf(textValue(text), field, engine.senses)))];
  return { kind: 'compare', field: field.name, comparator: Comparator.IN, operands };
}

const textValue = (value: string): Value => ({ $typeName: 'millrace.data.v1.Value', kind: { case: 'text', value } });

/** Documents whose field holds one of these values, and that meet the filters. */
export async function documentsWith(
  table: TableView,
  field: FieldView,
  values: readonly string[],
  filters: readonly (Filter | undefined)[],
  { order, limit }: { readonly order: readonly SortKey[]; readonly limit: number | undefined },
  context: ServiceContext,
  operation: Operation,
  deadline: Deadline,
): Promise<StoredDocument[]> {
  const among = leadsTo(field, values, context);
  const own = conditionOf(filters, table, operation, context);
  const condition = own ? joinAll([among, own]) : among;
  const wanted = { table: storedOf(table, context), condition, order, offset: 0, limit, fields: undefined };
  const found: StoredDocument[] = [];
  for await (const document of scan(wanted, context, deadline)) found.push(document);
  return found;
}
