/** Changes of the schema: in one transaction where the engine can, then what is stored beside it, then a fresh look. */
import { create } from '@bufbuild/protobuf';
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { inTime } from '#common/in-time.ts';
import { parseJson } from '#common/json.ts';
import { concernsAll } from '#common/of-all.ts';
import type { Runner } from '#common/records/result.ts';
import { describeField, describeRelation, describeTable } from '#common/schema/describe.ts';
import type { SchemaView } from '#common/schema/extras.ts';
import { jsonResult } from '#common/schema/listing.ts';
import { MARK, newMark } from '#common/schema/table-marks.ts';
import { type Operation, PartKind, Target } from '#proto/data/v1/data_pb.ts';
import { type ExtraChange, ExtraChangeSchema } from '#proto/system/v1/system_pb.ts';
import { type DefinitionAction, type DefinitionPlan, planDefinition } from '../plan/definition.ts';
import type { SchemaStatement } from '../plan/schema-statements.ts';
import type { SchemaCache } from '../schema-cache.ts';
import type { ServiceContext } from './context.ts';

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
    const view = cache.current ?? (await inTime(cache.read(), deadline));
    const plan = planDefinition(action, definitionsOf(operation), view, context.dialect, cache.withStoredRelations());
    const changed = [...new Set(plan.statements.map(({ table }) => table))];
    const isDrop = action.case === 'dropTables';
    // Others are told by a mark that goes.
    if (isDrop) await save([], marksFor(cache.unmarked(changed), cache), saveExtras);
    try {
      await run(plan.statements, context, deadline);
    } catch (error) {
      // Not every engine takes back what was done before.
      await inTime(cache.refresh(changed), deadline).catch(() => {});
      throw error;
    }
    if (changed.length > 0) await inTime(refreshed(cache, changed, isDrop), deadline);
    await save(plan.extras, isDrop ? [] : marksFor(changed, cache), saveExtras);
    return jsonResult(answerOf(action, plan, cache.current ?? view));
  };
}

/** Names that the database spells otherwise than we did are found among all. */
async function refreshed(cache: SchemaCache, names: readonly string[], areGone: boolean): Promise<void> {
  const view = await cache.refresh(names);
  if (names.some((name) => (view.byName.get(name) === undefined) !== areGone)) await cache.readAfresh();
}

/** All of them or none, where the engine can. */
async function run(
  statements: readonly SchemaStatement[],
  { source }: ServiceContext,
  deadline: Deadline,
): Promise<void> {
  if (statements.length === 0) return;
  await source.transaction(async (one) => {
    for (const statement of statements) {
      await one({ text: statement.text, params: [], columns: [] }).catch((thrown: unknown) => {
        throw refusal(MillraceError.from(thrown), statement);
      });
    }
  }, deadline);
}

/** A definition that the database refuses is its sender's to correct: he learns which part of it that was. */
function refusal(error: MillraceError, { table, field }: SchemaStatement): MillraceError {
  if (concernsAll(error)) return error;
  const code = error.code === 'internal' ? 'invalid' : error.code;
  const what = field === undefined ? `Table '${table}'` : `Field '${field}' of table '${table}'`;
  const context = { ...error.context, table, ...(field !== undefined && { field }) };
  return new MillraceError(code, `${what}: ${error.message}`, context, error);
}

function marksFor(tables: readonly string[], cache: SchemaCache): ExtraChange[] {
  return tables.map((table) => {
    const mark = newMark();
    cache.expectMark(mark);
    const propertiesJson = Buffer.from(JSON.stringify({ [MARK]: mark }));
    return create(ExtraChangeSchema, { table, propertiesJson });
  });
}

/** Other connectors find by themselves what they are not told: for the marks alone no request fails. */
async function save(
  changes: readonly ExtraChange[],
  marks: readonly ExtraChange[],
  saveExtras: SaveExtras,
): Promise<void> {
  if (changes.length + marks.length === 0) return;
  const saved = saveExtras([...changes, ...marks]);
  await (changes.length > 0 ? saved : saved.catch(() => {}));
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
