/** What a plan is made with, for tests of pure code. */
import { create } from '@bufbuild/protobuf';
import type { Catalogue } from '#common/schema/catalogue.ts';
import { applyExtras, type TableView } from '#common/schema/extras.ts';
import { TableAccess } from '#common/schema/table-access.ts';
import { COMPANY } from '#common/testing/catalogue.ts';
import { ShapeSchema } from '#proto/data/v1/data_pb.ts';
import type { CompileContext } from '../compile/builder.ts';
import type { Dialect } from '../dialect.ts';

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
