/** The entries of one role for one service, found by component without looking at each of them. */
import type { RoleAccess } from '#proto/access/v1/access_pb.ts';

export interface Entry {
  readonly source: RoleAccess;
  /** Place among the entries of the role: of several that decide alike the last one counts. */
  readonly order: number;
  /** Lower case, without slashes at its ends; up to the asterisk where there is one. */
  readonly component: string;
  readonly wildcard: boolean;
}

export function entryOf(source: RoleAccess, order: number): Entry {
  const component = source.component.toLowerCase().replace(/^\/+|\/+$/g, '');
  // Only an asterisk at the end stands for anything: what has it elsewhere is a name like any other.
  const wildcard = component.indexOf('*') === component.length - 1 && component !== '';
  return { source, order, component: wildcard ? component.slice(0, -1) : component, wildcard };
}

export const appliesTo =
  (requestor: number) =>
  ({ source }: Entry): boolean =>
    (source.requestorMask & requestor) !== 0;

const TABLES = '_table/';

export class ServiceRules {
  /** In the order of the role. */
  readonly entries: readonly Entry[];
  /** Wildcards that stand for every table. */
  readonly ofAllTables: readonly Entry[];
  /** There are rules for single tables, or conditions on rows. */
  readonly tellsTablesApart: boolean;
  readonly #exact: ReadonlyMap<string, readonly Entry[]>;
  /** By what stands before the asterisk. */
  readonly #wildcards: ReadonlyMap<string, readonly Entry[]>;
  /** How long that is, for any of them: names of other lengths need not be looked for. */
  readonly #lengths: readonly number[];

  constructor(entries: readonly Entry[]) {
    const wildcards = entries.filter((entry) => entry.wildcard);
    const exact = entries.filter((entry) => !entry.wildcard);
    this.entries = entries;
    this.ofAllTables = wildcards.filter((entry) => TABLES.startsWith(entry.component));
    this.tellsTablesApart =
      entries.some((entry) => entry.source.filters.length > 0) ||
      exact.some((entry) => entry.component.startsWith(TABLES));
    this.#exact = byComponent(exact);
    this.#wildcards = byComponent(wildcards);
    this.#lengths = [...new Set(wildcards.map((entry) => entry.component.length))];
  }

  /**
   * Exact entries where there are any that count, else the wildcards that cover the component (system-api §4.4), in the
   * order of the role.
   *
   * @param component  lower case; '' is the root of the service
   * @param counts     which entries are looked at
   */
  best(component: string, counts: (entry: Entry) => boolean): readonly Entry[] {
    const exact = this.#exact.get(component)?.filter(counts);
    if (exact && exact.length > 0) return exact;
    // A wildcard for all below a name covers the name as well.
    const path = `${component}/`;
    const covering: Entry[] = [];
    for (const length of this.#lengths) {
      if (length > path.length) continue;
      for (const entry of this.#wildcards.get(path.slice(0, length)) ?? []) if (counts(entry)) covering.push(entry);
    }
    return covering.length > 1 ? covering.sort((a, b) => a.order - b.order) : covering;
  }
}

export const NO_RULES = new ServiceRules([]);

function byComponent(entries: readonly Entry[]): Map<string, Entry[]> {
  const found = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (!found.get(entry.component)?.push(entry)) found.set(entry.component, [entry]);
  }
  return found;
}
