/**
 * What a role says about paths, for those who meet paths that the caller has not named: what is below a folder, what is
 * in a zip. It decides as the router does (decide/role.ts; system-api §4.4).
 */
import type { Rules } from '#proto/files/v1/files_pb.ts';
import { MillraceError } from '../errors.ts';
import { componentOfPath } from './path.ts';

export class PathRules {
  readonly #exact = new Map<string, number>();
  readonly #wildcards: { readonly component: string; readonly mask: number }[] = [];
  readonly #fallback: { readonly component: string; readonly wildcard: boolean; readonly mask: number }[] = [];
  readonly #isOpen: boolean;

  /** @param rules  undefined: everything is allowed */
  constructor(rules: Rules | undefined) {
    this.#isOpen = rules === undefined;
    for (const { component, wildcard, verbMask: mask, fallback } of rules?.rules ?? []) {
      if (fallback) this.#fallback.push({ component, wildcard, mask });
      else if (wildcard) this.#wildcards.push({ component, mask });
      else this.#exact.set(component, (this.#exact.get(component) ?? 0) | mask);
    }
  }

  /** Nothing is forbidden: nobody need be asked about each path. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  allows(path: string, verbBit: number): boolean {
    return this.#isOpen || (this.#mask(componentOfPath(path)) & verbBit) !== 0;
  }

  /** @throws MillraceError denied */
  require(path: string, verbBit: number): void {
    if (!this.allows(path, verbBit)) throw new MillraceError('denied', `Your role does not allow this for '${path}'.`);
  }

  #mask(component: string): number {
    const exact = this.#exact.get(component);
    if (exact !== undefined) return exact;
    const below = `${component}/`;
    let mask: number | undefined;
    for (const rule of this.#wildcards) {
      if (rule.component === '' || below.startsWith(rule.component)) mask = (mask ?? 0) | rule.mask;
    }
    if (mask !== undefined) return mask;
    return this.#fallback
      .filter((rule) => rule.component === '' && (rule.wildcard || component === ''))
      .reduce((sum, rule) => sum | rule.mask, 0);
  }
}
