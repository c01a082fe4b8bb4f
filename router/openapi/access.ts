/** What of a path with placeholders a caller may use: all that he may use of any path that it stands for. */
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { usableMask } from '../decide/access.ts';
import { componentOf } from '../parse/route.ts';
import { METHODS, methodBit, type PathEntry, type Segment } from './document.ts';

/** A name that no rule names: what holds for it holds for all that have no rule of their own. */
const UNNAMED = '\u0001';

export class PathAccess {
  readonly #principal: Principal;
  readonly #service: Service;
  /** Components of the role's own rules for this service, split; the last part of a wildcard ends with a name of nobody. */
  readonly #rules: readonly (readonly string[])[];

  constructor(principal: Principal, service: Service) {
    this.#principal = principal;
    this.#service = service;
    const access = principal.isAdmin ? [] : (principal.role?.source.access ?? []);
    this.#rules = access.filter(({ serviceId }) => serviceId === service.id).map(({ component }) => partsOf(component));
  }

  /** @param wanted  verbs that matter: the search ends when all of them are found */
  mask(segments: readonly Segment[], wanted = 31): number {
    const names = segments.map((segment) => (typeof segment === 'string' ? segment : UNNAMED));
    let mask = this.#maskOf(names) & wanted;
    if (!segments.some((segment) => typeof segment !== 'string')) return mask;
    for (const rule of this.#rules) {
      if (mask === wanted) break;
      const named = fill(segments, rule);
      if (named) mask |= this.#maskOf(named) & wanted;
    }
    return mask;
  }

  may(segments: readonly Segment[], verb: number): boolean {
    return this.mask(segments, verb) !== 0;
  }

  /** The paths with the operations that are left of them; paths without any are left out. */
  allowed(entries: readonly PathEntry[]): PathEntry[] {
    if (this.#principal.isAdmin) return [...entries];
    return entries.flatMap((entry) => {
      const present = METHODS.filter((method) => entry.operations[method] !== undefined);
      const mask = this.mask(
        entry.segments,
        present.reduce((sum, method) => sum | methodBit(method), 0),
      );
      const left = present.filter((method) => (mask & methodBit(method)) !== 0);
      if (left.length === 0) return [];
      return [{ ...entry, operations: Object.fromEntries(left.map((method) => [method, entry.operations[method]])) }];
    });
  }

  #maskOf(names: readonly string[]): number {
    return usableMask(this.#principal, this.#service, componentOf(names));
  }
}

function partsOf(component: string): string[] {
  const stripped = component.toLowerCase().replace(/^\/+|\/+$/g, '');
  return (stripped.endsWith('*') ? stripped.slice(0, -1) + UNNAMED : stripped).split('/');
}

/** The path with names of the rule in the place of placeholders; undefined where the rule speaks of other paths. */
function fill(segments: readonly Segment[], rule: readonly string[]): string[] | undefined {
  const names: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const part = rule[index];
    if (typeof segment !== 'string') names.push(...(segment.spans && part ? rule.slice(index) : [part ?? UNNAMED]));
    else if (part === undefined || part === segment.toLowerCase() || part.endsWith(UNNAMED)) names.push(segment);
    else return undefined;
  }
  return names;
}
