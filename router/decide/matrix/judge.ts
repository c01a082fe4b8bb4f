/** Compares what a router did with one request with what the model says it must. */
import type { Filter, Shape, Value } from '#proto/data/v1/data_pb.ts';
import type { Outcome, Travelled } from '../../testing/behind-door.ts';
import {
  anyMask,
  BIT,
  type Caller,
  conditionsOf,
  FIVE,
  isFree,
  maskOf,
  type Predicate,
  type Service,
  verdict,
} from './model.ts';
import type { Asked } from './requests.ts';
import { holds } from './tree.ts';
import { type Installation, ROUTINES, ROWS, SERVICES, TABLES } from './world.ts';

/** @returns what differs; nothing where the two agree */
export function faultsOf(asked: Asked, caller: Caller, world: Installation, outcome: Outcome): string[] {
  const judge = new Judge(asked, caller, world, outcome);
  try {
    judge.run();
  } catch (error) {
    // A tree without its values, an answer that is no list.
    judge.faults.push(String(error));
  }
  return judge.faults;
}

class Judge {
  readonly faults: string[] = [];
  readonly #asked: Asked;
  readonly #caller: Caller;
  readonly #world: Installation;
  readonly #outcome: Outcome;

  constructor(asked: Asked, caller: Caller, world: Installation, outcome: Outcome) {
    this.#asked = asked;
    this.#caller = caller;
    this.#world = world;
    this.#outcome = outcome;
  }

  run(): void {
    const { service: name, component, verb, beside = [] } = this.#asked;
    if (name === '') return this.#services();
    const service = SERVICES.find((one) => one.name === name);
    const decide = (where: string) => verdict(this.#caller, this.#world, service, where, verb);
    const verdicts = [decide(component), ...beside.map(decide)];
    const refused = verdicts.find((one) => one !== 'allowed');
    if (refused !== undefined || !service) return this.#refused(Number(refused));
    if (this.#asked.lists !== undefined) return this.#listing(service, this.#asked.lists);
    if (this.#asked.table !== undefined) return this.#records(service, this.#asked.table);
    this.#status(200, 201);
    this.#same('calls that travelled', this.#outcome.travelled.length, 1);
  }

  #same(what: string, found: unknown, expected: unknown): void {
    const [one, other] = [JSON.stringify(found), JSON.stringify(expected)];
    if (one !== other) this.faults.push(`${what}: ${one}, and by the model ${other}`);
  }

  #status(...expected: number[]): void {
    if (!expected.includes(this.#outcome.status)) this.#same('status', this.#outcome.status, expected[0]);
  }

  #refused(status: number): void {
    this.#status(status);
    this.#same('calls that travelled', this.#outcome.travelled.length, 0);
  }

  #services(): void {
    const { app, user } = this.#caller;
    if (app?.active === false || user?.active === false) return this.#refused(403);
    this.#status(200);
    const shown = JSON.parse(this.#outcome.body).services as { name: string }[];
    const visible = SERVICES.filter(({ id, active }) => active && anyMask(this.#caller, this.#world, id) !== 0);
    const names = visible.map(({ name }) => name);
    this.#same('services', shown.map(({ name }) => name.toLowerCase()).sort(), names.sort());
  }

  #listing(service: Service, lists: string): void {
    this.#status(200);
    type Shown = string | { name: string; access?: string[] };
    const shown = JSON.parse(this.#outcome.body).resource as Shown[];
    const below = (name: string): string => (lists === '' ? name : `${lists}/${name.toLowerCase()}`);
    const mask = (name: string): number => maskOf(this.#caller, this.#world, service.id, below(name));
    const all = { '': ['_schema', '_table', '_proc', '_func'], _proc: ROUTINES, _func: ROUTINES }[lists] ?? TABLES;
    const visible = lists === '' ? all : all.filter((name) => mask(name) !== 0);
    const nameOf = (one: Shown): string => (typeof one === 'string' ? one : one.name);
    this.#same('names', shown.map(nameOf), visible);
    if (!this.#asked.listsAccess) return;
    const verbs = (name: string): string[] => FIVE.filter((verb) => (mask(name) & (BIT[verb] ?? 0)) !== 0);
    this.#same(
      'access',
      shown.map((one) => (typeof one === 'string' ? [] : one.access)),
      visible.map(verbs),
    );
  }

  #records(service: Service, table: string): void {
    const { records = [], imports = false, verb, component } = this.#asked;
    const { holds: predicate, admits } = this.#conditions(service, table, verb);
    const first = records.findIndex((record) => !admits(record));
    if (imports) return this.#import(first);
    if (first >= 0) return this.#refused(component.split('/').length > 2 ? 403 : 400);
    this.#status(200, 201);
    const { travelled } = this.#outcome;
    if (travelled.length === 0) this.faults.push('nothing travelled');
    for (const each of travelled) this.#rows(each, predicate);
    const last = travelled.at(-1);
    if (last) this.#others(last, service, table);
  }

  #conditions(service: Service, table: string, verb: string): ReturnType<typeof conditionsOf> {
    return conditionsOf(this.#caller, this.#world, service.id, table, verb);
  }

  /** What comes before the first one that is refused may be written. */
  #import(first: number): void {
    const { records = [] } = this.#asked;
    this.#status(first < 0 ? 200 : 403);
    const [{ imported = '' } = {}] = this.#outcome.travelled;
    const count = imported.split('\n').length - 1;
    this.#same('records that were imported', count, first < 0 ? records.length : first);
  }

  /** The trees that came with it, on rows: the role's, and the caller's own beside it. */
  #rows({ shape, operation: { parameters } }: Travelled, predicate: Predicate): void {
    if (shape.action.case === 'create') return;
    const { rowFilter, filter } = treesOf(shape);
    this.#same('rows', found(rowFilter, parameters), idsOf(predicate));
    if (this.#asked.filter) this.#same('own filter', found(filter, parameters), idsOf(this.#asked.filter));
  }

  /** What the role says about other tables, and about creation on the way. */
  #others({ shape, operation: { parameters } }: Travelled, service: Service, table: string): void {
    const { reaches = [], upserts, verb } = this.#asked;
    const mask = (one: string): number => maskOf(this.#caller, this.#world, service.id, `_table/${one.toLowerCase()}`);
    if (shape.unruled) {
      const wanted = verb === 'GET' ? ['GET'] : FIVE;
      const open = [...TABLES, 'unheard_of'].every((one) =>
        wanted.every((each) => (mask(one) & (BIT[each] ?? 0)) !== 0 && !this.#conditions(service, one, each).holds),
      );
      if (!open) this.faults.push('every table is said to be open, and by the model some are not');
    } else {
      for (const far of reaches) {
        const rule = shape.rules.find((one) => one.table.toLowerCase() === far.toLowerCase());
        this.#same(`verbs on ${far}`, rule?.verbs, mask(far));
        const predicate = this.#conditions(service, far, 'GET').holds;
        this.#same(`rows of ${far}`, rule && found(rule.rowFilter, parameters), idsOf(predicate));
        const filtered = FIVE.filter((each) => this.#conditions(service, far, each).holds);
        const given = FIVE.filter((each) => ((rule?.filteredVerbs ?? 0) & (BIT[each] ?? 0)) !== 0);
        this.#same(`verbs with conditions on ${far}`, given, filtered);
      }
      if (isFree(this.#caller)) this.faults.push('rules for an administrator');
    }
    if (!upserts || shape.action.case !== 'update') return;
    const creates = (mask(table) & 2) !== 0 && !this.#conditions(service, table, 'POST').holds;
    this.#same('creates what is missing', shape.action.value.upsert, creates);
  }
}

function treesOf({ action }: Shape): { rowFilter?: Filter | undefined; filter?: Filter | undefined } {
  return action.case === 'read' || action.case === 'update' || action.case === 'delete' ? action.value : {};
}

const found = (filter: Filter | undefined, parameters: readonly Value[]): unknown[] =>
  ROWS.filter((row) => holds(filter, parameters, row)).map(({ id }) => id);
const idsOf = (predicate: Predicate): unknown[] =>
  ROWS.filter((row) => predicate === undefined || predicate(row)).map(({ id }) => id);
