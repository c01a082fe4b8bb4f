/** How a document that was found is changed, where it is still as it was found and still may be. */
import type { StoredDocument } from '../document.ts';
import type { Condition, DocumentKey, StoreTable, Write } from '../engine.ts';
import { split } from '../plan/split.ts';
import type { ServiceContext } from './context.ts';
import { withKey } from './keys.ts';
import type { ReadMembers } from './records.ts';
import { movedAway, stays } from './stays.ts';

export interface Target {
  readonly key: DocumentKey;
  readonly document: StoredDocument | undefined;
  /** What decides whether the caller may change it. */
  readonly condition: Condition | undefined;
}

/**
 * @param replace  the document takes the place of the present one; else only these members change
 * @throws MillraceError denied where the caller might not see what it leaves behind
 */
export function changeOf(
  { key, document, condition }: Target,
  { members }: ReadMembers,
  replace: boolean,
  table: StoreTable,
  { engine: { pushdown } }: ServiceContext,
): Write {
  const after = withKey(replace ? members : { ...document?.members(), ...members }, key, table);
  if (!stays(after, condition, pushdown.elements ?? false)) throw movedAway();
  const guarded = condition && pushdown.conditionalWrites && !split(condition, pushdown, table).residual;
  const guard = {
    ...(guarded && { onlyIf: condition }),
    ...(condition && document?.version && { version: document.version }),
  };
  return replace
    ? { kind: 'replace', key, document: after, upsert: false, ...guard }
    : { kind: 'merge', key, members, upsert: false, ...guard };
}
