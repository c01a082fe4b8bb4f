/** One role, compiled for the question that every request asks: which verbs, on which component of which service? */
import type { Role, RoleAccess } from '#proto/access/v1/access_pb.ts';
import { appliesTo, type Entry, entryOf, NO_RULES, ServiceRules } from './service-rules.ts';

export class CompiledRole {
  readonly source: Role;
  readonly #byService: ReadonlyMap<number, ServiceRules>;
  readonly #everywhere: readonly Entry[];

  constructor(role: Role) {
    this.source = role;
    const byService = new Map<number, Entry[]>();
    const everywhere: Entry[] = [];
    role.access.forEach((access, order) => {
      const entry = entryOf(access, order);
      if (access.serviceId === undefined) everywhere.push(entry);
      else if (!byService.get(access.serviceId)?.push(entry)) byService.set(access.serviceId, [entry]);
    });
    this.#byService = new Map([...byService].map(([id, entries]) => [id, new ServiceRules(entries)]));
    this.#everywhere = everywhere;
  }

  get isActive(): boolean {
    return this.source.isActive;
  }

  /**
   * The verbs allowed, as a mask: masks of the best class of matching entries, joined.
   * @param component  resource path, lower case, without function arguments; '' is the root of the service
   */
  verbMask(serviceId: number, component: string, requestor: number): number {
    return joined(this.#best(serviceId, component, requestor));
  }

  /** All that is allowed anywhere in a service (system-api §4.5): its own entries, or those for all services. */
  anyMask(serviceId: number, requestor: number): number {
    const applies = appliesTo(requestor);
    const own = this.#of(serviceId).entries.filter(applies);
    return joined(own.length > 0 ? own : this.#everywhere.filter(applies));
  }

  /**
   * The entry whose row conditions hold for an action (system-api §4.7): among the service's own entries that allow
   * the verb, the best class, and inside it the last one.
   */
  filterEntry(serviceId: number, component: string, verbBit: number, requestor: number): RoleAccess | undefined {
    const applies = appliesTo(requestor);
    const allows = (entry: Entry): boolean => applies(entry) && (entry.source.verbMask & verbBit) !== 0;
    return this.#of(serviceId).best(component, allows).at(-1)?.source;
  }

  /** Is there a rule for something below this component? Without one, all below it is decided alike. */
  hasRulesBelow(serviceId: number, component: string): boolean {
    const below = `${component}/`;
    return this.#of(serviceId).entries.some((entry) => entry.component.startsWith(below) && entry.component !== below);
  }

  /** May every table be used alike: one wildcard for all of them, no exact rule and no row condition below it. */
  coversAllTables(serviceId: number, verbs: number, requestor: number): boolean {
    const applies = appliesTo(requestor);
    const covers = (entry: Entry): boolean => applies(entry) && (entry.source.verbMask & verbs) === verbs;
    const own = this.#of(serviceId);
    if (own.entries.length > 0) return !own.tellsTablesApart && own.ofAllTables.some(covers);
    return this.#everywhere.some((entry) => entry.wildcard && entry.component === '' && covers(entry));
  }

  /** Entries of the best class that has any, the service's own before those for all services. */
  #best(serviceId: number, component: string, requestor: number): readonly Entry[] {
    const applies = appliesTo(requestor);
    const own = this.#of(serviceId).best(component, applies);
    if (own.length > 0) return own;
    return this.#everywhere.filter(
      (entry) => applies(entry) && entry.component === '' && (entry.wildcard || component === ''),
    );
  }

  #of(serviceId: number): ServiceRules {
    return this.#byService.get(serviceId) ?? NO_RULES;
  }
}

const joined = (entries: readonly Entry[]): number => entries.reduce((sum, entry) => sum | entry.source.verbMask, 0);
