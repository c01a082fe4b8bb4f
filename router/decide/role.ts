/** One role, compiled for the question that every request asks: which verbs, on which component of which service? */
import { LRUCache } from 'lru-cache';
import type { Role, RoleAccess } from '#proto/access/v1/access_pb.ts';

interface Entry {
  readonly source: RoleAccess;
  /** Lower case, without slashes at its ends; up to the asterisk where there is one. */
  readonly component: string;
  readonly wildcard: boolean;
}

/** Decisions kept for one role: routes repeat, record ids do not come in here often. */
const DECISIONS_MAX = 5000;
/** Longer ones are decided each time: nobody fills the memory with paths that he makes up. */
const DECISION_KEY_LENGTH_MAX = 256;

/** Classes of matching entries, best first (system-api §4.4). */
const EXACT = 0;
const WILDCARD = 1;
const SERVICE = 2;
const ALL = 3;

export class CompiledRole {
  readonly source: Role;
  readonly #byService = new Map<number, Entry[]>();
  readonly #everywhere: Entry[] = [];
  readonly #masks = new LRUCache<string, number>({ max: DECISIONS_MAX });

  constructor(role: Role) {
    this.source = role;
    for (const access of role.access) {
      const component = access.component.toLowerCase().replace(/^\/+|\/+$/g, '');
      // Only an asterisk at the end stands for anything: what has it elsewhere is a name like any other.
      const wildcard = component.indexOf('*') === component.length - 1 && component !== '';
      const entry = { source: access, component: wildcard ? component.slice(0, -1) : component, wildcard };
      if (access.serviceId === undefined) this.#everywhere.push(entry);
      else {
        const entries = this.#byService.get(access.serviceId) ?? [];
        entries.push(entry);
        this.#byService.set(access.serviceId, entries);
      }
    }
  }

  get isActive(): boolean {
    return this.source.isActive;
  }

  /**
   * The verbs allowed, as a mask: masks of the best class of matching entries, joined.
   * @param component  resource path, lower case, without function arguments; '' is the root of the service
   */
  verbMask(serviceId: number, component: string, requestor: number): number {
    const key = `${serviceId} ${requestor} ${component}`;
    let mask = this.#masks.get(key);
    if (mask === undefined) {
      mask = this.#bestClass(serviceId, component, requestor).reduce((sum, entry) => sum | entry.source.verbMask, 0);
      if (key.length <= DECISION_KEY_LENGTH_MAX) this.#masks.set(key, mask);
    }
    return mask;
  }

  /** All that is allowed anywhere in a service (system-api §4.5): its own entries, or those for all services. */
  anyMask(serviceId: number, requestor: number): number {
    const own = (this.#byService.get(serviceId) ?? []).filter((entry) => applies(entry, requestor));
    const entries = own.length > 0 ? own : this.#everywhere.filter((entry) => applies(entry, requestor));
    return entries.reduce((sum, entry) => sum | entry.source.verbMask, 0);
  }

  /**
   * The entry whose row conditions hold for an action (system-api §4.7): among the service's own entries that allow
   * the verb, the best class, and inside it the last one.
   */
  filterEntry(serviceId: number, component: string, verbBit: number, requestor: number): RoleAccess | undefined {
    const classes: RoleAccess[][] = [[], [], [], []];
    for (const entry of this.#byService.get(serviceId) ?? []) {
      if (!applies(entry, requestor) || (entry.source.verbMask & verbBit) === 0) continue;
      const rank = classify(entry, component);
      if (rank !== undefined) classes[rank]?.push(entry.source);
    }
    return classes.find((entries) => entries.length > 0)?.at(-1);
  }

  /** Is there a rule for something below this component? Without one, all below it is decided alike. */
  hasRulesBelow(serviceId: number, component: string): boolean {
    const below = `${component}/`;
    return (this.#byService.get(serviceId) ?? []).some(
      (entry) => entry.component.startsWith(below) && entry.component !== below,
    );
  }

  /** May every table be used alike: one wildcard for all of them, no exact rule and no row condition below it. */
  coversAllTables(serviceId: number, verbs: number, requestor: number): boolean {
    const own = this.#byService.get(serviceId) ?? [];
    const covering = (entries: readonly Entry[]): boolean =>
      entries.some(
        (entry) =>
          applies(entry, requestor) &&
          entry.wildcard &&
          '_table/'.startsWith(entry.component) &&
          (entry.source.verbMask & verbs) === verbs,
      );
    if (own.length === 0) return covering(this.#everywhere.filter((entry) => entry.component === ''));
    const restricting = own.some(
      (entry) => entry.source.filters.length > 0 || (!entry.wildcard && entry.component.startsWith('_table/')),
    );
    return covering(own) && !restricting;
  }

  #bestClass(serviceId: number, component: string, requestor: number): readonly Entry[] {
    const classes: Entry[][] = [[], [], [], []];
    for (const entry of this.#byService.get(serviceId) ?? []) {
      const rank = applies(entry, requestor) ? classify(entry, component) : undefined;
      if (rank !== undefined) classes[rank]?.push(entry);
    }
    for (const entry of this.#everywhere) {
      const covers = entry.wildcard && entry.component === '';
      const root = !entry.wildcard && entry.component === '' && component === '';
      if (applies(entry, requestor) && (covers || root)) classes[ALL]?.push(entry);
    }
    return classes.find((entries) => entries.length > 0) ?? [];
  }
}

function applies(entry: Entry, requestor: number): boolean {
  return (entry.source.requestorMask & requestor) !== 0;
}

function classify(entry: Entry, component: string): number | undefined {
  if (!entry.wildcard) return entry.component === component ? EXACT : undefined;
  if (component === '' && entry.component === '') return SERVICE;
  return `${component}/`.startsWith(entry.component) ? WILDCARD : undefined;
}
