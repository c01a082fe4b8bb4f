/** One call to the tier, as its operations see it: where to do it, for whom, and how long. */
import type { Deadline } from '#common/deadline.ts';
import type { PathRules } from '#common/files/rules.ts';
import { VERB_BITS } from '#common/verbs.ts';
import type { Family, StorageSource } from './backend.ts';

export interface Call {
  readonly source: StorageSource;
  readonly family: Family;
  /** For paths that the caller has not named himself. */
  readonly rules: PathRules;
  /** The bit that writing needs: of POST, or of PUT. */
  readonly writeBit: number;
  readonly deadline: Deadline;
}

export const READ_BIT = VERB_BITS['GET'] as number;
export const DELETE_BIT = VERB_BITS['DELETE'] as number;
export const POST_BIT = VERB_BITS['POST'] as number;
