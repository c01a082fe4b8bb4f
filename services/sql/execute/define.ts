/** Changes of the schema: in one transaction where the engine can, then what is stored beside it, then a fresh look. */
import { invalid } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import { type Operation, PartKind, Target } from '#proto/data/v1/data_pb.ts';
import type { ExtraChange } from '#proto/system/v1/system_pb.ts';
import { describeField, describeRelation, describeTable } from '../describe.ts';
import type { SchemaView } from '../extras.ts';
import { type DefinitionAction, type DefinitionPlan, planDefinition } from '../plan/definition.ts';
import type { SchemaCache } from '../schema-cache.ts';
import type { Runner, ServiceContext } from './context.ts';
import { jsonResult } from './describe.ts';

/** Stores what is said beside the catalogue; the change comes back as a push, so the new state is given as well. */
export type SaveExtras = (changes: readonly ExtraChange[]) => Promise<void>;

export function planDefine(
  action: DefinitionAction,
  cache: SchemaCache,
  context: ServiceContext,
  saveExtras: SaveExtras,
): Runner {
  return async (operation, deadline) => {
    // Planned anew each time: a definition is made of what the catalogue says now.
    const view = cache.current ?? (await cache.read());
    const plan = planDefinition(action, definitionsOf(operation), view, context.dialect);
    if (plan.statements.length > 0) {
      await context.source.transaction(async (run) => {
        for (const text of plan.statements) await run({ text, params: [], columns: [] });
      }, deadline);
    }
    if (plan.extras.length > 0) await saveExtras(plan.extras);
    return jsonResult(answerOf(action, plan, await cache.readAfresh()));
  };
}

function definitionsOf(operation: Operation): unknown {
  if (operation.records.length === 0) return undefined;
  const definitions = parseJson(operation.records);
  if (typeof definitions !== 'object' || definitions === null)
    throw invalid('The definition must be an object or a list.');
  return definitions;
}

/** Shapes of database-api §6.1: names for tables, one entry for each part, success for drops. */
function answerOf(action: DefinitionAction, plan: DefinitionPlan, view: SchemaView): unknown {
  switch (action.case) {
    case 'defineTables': {
      const { describe, table } = action.value;
      const entries = plan.names.map((name) => {
        const known = view.byName.get(name);
        return describe && known ? describeTable(view, known) : { name };
      });
      return table ? entries[0] : entries;
    }
    case 'defineParts': {
      const { describe, kind, table, name } = action.value;
      const entries = plan.names.map((part) => (describe ? describePart(view, table, kind, part) : []));
      return name ? entries[0] : entries;
    }
    case 'dropTables':
      return action.value.target === Target.ONE ? { success: true } : plan.names.map((name) => ({ name }));
    case 'dropParts':
      return { success: true };
  }
}

function describePart(view: SchemaView, tableName: string, kind: PartKind, name: string): unknown {
  const table = view.byName.get(tableName);
  if (kind === PartKind.RELATION) {
    const relation = table?.byRelationName.get(name);
    return relation ? describeRelation(view, relation) : [];
  }
  const field = table?.byFieldName.get(name);
  return field ? describeField(field) : [];
}
