/** All that every engine does with relations, over the same library of books. */
import type { ServiceConfig } from '#common/engine.ts';
import type { Bench } from './bench.ts';
import { tryIdFields } from './id-fields.ts';
import { Library, type RelatedSubject } from './library.ts';
import { tryRelatedFilters } from './related-filters.ts';
import { tryRelatedGroups } from './related-groups.ts';
import { tryRelatedWrites } from './related-writes.ts';

/** @param other  the same store with other settings */
export function tryRelations(subject: RelatedSubject, other: (config: ServiceConfig) => Bench): void {
  const library = new Library(subject);
  tryRelatedWrites(library);
  tryRelatedFilters(library, other);
  tryRelatedGroups(library, other);
  tryIdFields(library);
}
