/**
 * A change leaves no document behind that the role of whoever changes it does not see. The router has looked at what was
 * sent; what becomes of the whole document is known here only: a replacement takes members away, and a condition may be
 * on a member of a member.
 */
import { MillraceError } from '#common/errors.ts';
import type { Document } from '../document.ts';
import type { Condition } from '../engine.ts';
import { predicateOf } from '../residual/evaluate.ts';

/** What the router says of such a record. */
export const movedAway = (): MillraceError =>
  new MillraceError('denied', 'Denied access to some of the requested fields.');

/** @param after  the whole document, as it will be */
export const stays = (after: Document, condition: Condition | undefined, elements: boolean): boolean =>
  !condition || predicateOf(condition, elements)(after);

/**
 * Does every document that meets the condition meet it still, once these members have changed? Where the condition has
 * alternatives, what is set must satisfy one of them itself: which of them a document meets now is not known.
 */
export function staysAnyway(members: Document, condition: Condition | undefined, elements: boolean): boolean {
  if (!condition || !touches(members, condition)) return true;
  switch (condition.kind) {
    case 'all':
      return condition.of.every((part) => staysAnyway(members, part, elements));
    case 'any': {
      const touched = condition.of.filter((part) => touches(members, part));
      return touched.some((part) => predicateOf(part, elements)(members));
    }
    default:
      return predicateOf(condition, elements)(members);
  }
}

function touches(members: Document, condition: Condition): boolean {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of.some((part) => touches(members, part));
    case 'not':
      return touches(members, condition.of);
    case 'compare': {
      const { field } = condition;
      return Object.hasOwn(members, field) || Object.hasOwn(members, field.split('.', 1)[0] as string);
    }
    case 'native':
      return true;
  }
}
