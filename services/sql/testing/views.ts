/** What a plan is made with, for tests of pure code. */
import { create } from '@bufbuild/protobuf';
import { ShapeSchema } from '#proto/data/v1/data_pb.ts';
import type { CompileContext } from '../compile/builder.ts';
import type { Dialect } from '../dialect.ts';
import { applyExtras, type FieldView, type TableView } from '../extras.ts';
import { TableAccess } from '../plan/table-access.ts';
import type { Catalogue, Table } from '../schema.ts';
import { COMPANY } from './catalogue.ts';

/** Every table is open to the caller. */
export function contextOf(dialect: Dialect, catalogue: Catalogue = COMPANY): CompileContext {
  const access = new TableAccess(create(ShapeSchema, { service: 'db', unruled: true }));
  return { dialect, view: applyExtras(catalogue, [], 1), access };
}

export function tableOf(context: CompileContext, name: string): TableView {
  const table = context.view.byName.get(name);
  if (!table) throw new Error(`The catalogue has no table '${name}'.`);
  return table;
}

/** The only field of a table of its own. */
export function fieldOf(table: Table): FieldView {
  const [field] = applyExtras({ tables: [table] }, [], 1).tables[0]?.fields ?? [];
  if (!field) throw new Error('The table has no field.');
  return field;
}
