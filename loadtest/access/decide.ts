/**
 * The decision of a request, from the functions that the router decides with: who asks, may he, and what becomes of the
 * operation. Requests are read before the clock starts.
 */
import { performance } from 'node:perf_hooks';
import { MillraceError } from '#common/errors.ts';
import type { AccessState } from '../../router/access/state.ts';
import { principalOf } from '../../router/authenticate/principal.ts';
import { requireAccess } from '../../router/decide/access.ts';
import { grant } from '../../router/decide/grant.ts';
import type { ApiRequest } from '../../router/parse/api-request.ts';
import { type ParsedResource, parseDatabase } from '../../router/parse/resource.ts';
import { stateOf } from '../../router/testing/access.ts';
import { apiRequestOf } from '../../router/testing/request.ts';
import type { Target } from '../cases.ts';
import type { Contest, ContestCase, Sample } from '../contest.ts';
import type { RunScope } from '../process.ts';
import { percentile } from '../statistics.ts';
import { openTables, rulesOf, tableNamed } from './role.ts';

const RULES = 1000;
const SPREAD_OVER = 20;
const API_KEY = 'key';
/** Read at once, so that the clock does not see it; enough that few of them stay in the processor's cache. */
const BATCH = 2000;
const WARM_UP_SECONDS = 1;
/** Of a hundred. */
const REFUSED = 5;
const PARTS = 3;

/** A request that was read. */
interface Asked {
  readonly request: ApiRequest;
  readonly parsed: ParsedResource;
  readonly isOpen: boolean;
}

const spread = `over ${SPREAD_OVER} services`;
const targets: readonly Target[] = [{ measure: 'C', atMost: 5 }];

export const DECIDE: ContestCase = {
  name: 'decide',
  needs: undefined,
  figures: [
    { name: 'decide-p50', title: `decision, 1,000 rules ${spread}, new paths, p50`, unit: 'µs', targets },
    { name: 'decide-p99', title: `decision, 1,000 rules ${spread}, new paths, p99`, unit: 'µs', targets: [] },
    { name: 'decide-known', title: `decision, 1,000 rules ${spread}, known paths, p50`, unit: 'µs', targets },
    { name: 'decide-one-p50', title: 'decision, 1,000 rules for one service, new paths, p50', unit: 'µs', targets },
    { name: 'decide-one-p99', title: 'decision, 1,000 rules for one service, new paths, p99', unit: 'µs', targets: [] },
  ],
  prepare: async (scope) => prepare(scope),
};

function prepare(scope: RunScope): Contest {
  const wide = new Decisions(scope, SPREAD_OVER);
  const deep = new Decisions(scope, 1);
  for (const decisions of [wide, deep]) {
    decisions.timesOf(WARM_UP_SECONDS, () => decisions.freshBatch());
  }
  const measure = async (seconds: number): Promise<Sample> => {
    const known = wide.freshBatch();
    const [fresh, repeated, one] = [
      wide.timesOf(seconds / PARTS, () => wide.freshBatch()),
      wide.timesOf(seconds / PARTS, () => known),
      deep.timesOf(seconds / PARTS, () => deep.freshBatch()),
    ];
    return {
      'decide-p50': percentile(fresh, 0.5),
      'decide-p99': percentile(fresh, 0.99),
      'decide-known': percentile(repeated, 0.5),
      'decide-one-p50': percentile(one, 0.5),
      'decide-one-p99': percentile(one, 0.99),
    };
  };
  return {
    server: undefined,
    millrace: undefined,
    warmUps: 0,
    sides: [{ key: 'C', label: 'router', measure }],
  };
}

/** One installation, and requests that its role is asked about. */
export class Decisions {
  readonly #scope: RunScope;
  readonly #state: AccessState;
  readonly #services: number;
  readonly #tables: readonly number[];
  #made = 0;

  /** @param services  over which the rules of the role are spread */
  constructor(scope: RunScope, services: number) {
    const ids = Array.from({ length: services }, (_, index) => index + 1);
    const rules = RULES / services;
    this.#scope = scope;
    this.#services = services;
    this.#tables = openTables(rules);
    this.#state = stateOf({
      services: ids.map((id) => ({ id, name: `db${id}`, type: 'pgsql', isActive: true, tier: 'sql' })),
      roles: [{ id: 1, name: 'many', isActive: true, access: ids.flatMap((id) => rulesOf(id, rules)) }],
      apps: [{ id: 1, name: 'app', apiKey: API_KEY, isActive: true, roleId: 1 }],
      users: [{ id: 5, email: 'ann@a.example', name: 'Ann', username: 'ann', isActive: true }],
    });
  }

  /** Paths that were never asked for before. */
  freshBatch(): Asked[] {
    return Array.from({ length: BATCH }, () => {
      const made = this.#made++;
      const isOpen = made % 100 >= REFUSED;
      const table = isOpen ? tableNamed(this.#tables[made % this.#tables.length] ?? 0) : 'closed';
      const target = `/api/v2/db${(made % this.#services) + 1}/_table/${table}/${made}`;
      const request = apiRequestOf({ target, headers: { 'x-dreamfactory-api-key': API_KEY } });
      return { request, parsed: parseDatabase(request), isOpen };
    });
  }

  /** Microseconds of each decision. @throws Error where one is not what it has to be */
  timesOf(seconds: number, batchOf: () => readonly Asked[]): number[] {
    const times: number[] = [];
    for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
      this.#scope.signal.throwIfAborted();
      for (const asked of batchOf()) {
        const begin = performance.now();
        const open = this.decide(asked);
        times.push((performance.now() - begin) * 1000);
        if (open !== asked.isOpen) throw new Error(`${asked.request.component} was decided wrongly.`);
      }
    }
    return times;
  }

  /** As the pipeline does between reading and sending. */
  decide({ request, parsed }: Asked): boolean {
    const state = this.#state;
    const app = state.appsByKey.get(request.http.header('x-dreamfactory-api-key') ?? '');
    const sent = { apiKey: API_KEY, token: 'a.token', basic: false };
    const principal = principalOf(state, state.users.get(5), app, sent);
    const service = state.servicesByName.get(request.service);
    try {
      requireAccess(principal, service, request.service, request.component, 'GET');
      if (!service) return false;
      grant(parsed, 'GET', service, principal, state);
      return true;
    } catch (error) {
      if (error instanceof MillraceError) return false;
      throw error;
    }
  }
}
