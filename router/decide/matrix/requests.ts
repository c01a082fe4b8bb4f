/** Requests of every kind for the role matrix, each with what it means: what it names, reads, writes and reaches. */
import type { Sent } from '../../testing/request.ts';
import { FIVE, type Row } from './model.ts';
import type { Random } from './random.ts';
import { RELATIONS, ROUTINES, TABLES } from './world.ts';

export interface Asked extends Sent {
  /** Lower case; empty: the root of the API. */
  readonly service: string;
  /** Lower case. */
  readonly component: string;
  readonly verb: string;
  /** Whose rows it touches. */
  readonly table?: string;
  /** Tables that its relations lead to. */
  readonly reaches?: readonly string[];
  /** What it names beside its path, as components. */
  readonly beside?: readonly string[];
  /** What the client itself asks of rows. */
  readonly filter?: (row: Row) => boolean;
  /** What it sets. */
  readonly records?: readonly Row[];
  /** Whether it may create what is missing. */
  readonly upserts?: boolean;
  /** A list of what lies below this component. */
  readonly lists?: '' | '_table' | '_schema' | '_proc' | '_func';
  readonly listsAccess?: boolean;
  readonly imports?: boolean;
}

const JSON_TYPE = { 'content-type': 'application/json' };

export function request(random: Random): Asked {
  if (random.oneIn(25)) return { target: '/api/v2', service: '', component: '', verb: 'GET' };
  if (random.oneIn(10)) return system(random);
  const service = random.of(['db', 'db', 'db', 'db', 'db', 'crm', 'crm', 'old', 'shop_oauth', 'nosuch']);
  if (random.oneIn(6)) return listing(random, service);
  if (random.oneIn(12)) return schema(random, service);
  if (random.oneIn(16)) return routine(random, service);
  const table = random.of(TABLES);
  const make = random.of([reading, reading, reading, exporting, creating, importing, updating, updating, deleting]);
  const asked = make(random, table);
  const path = asked.target.replace(/^[^?]*/, (id) => `_table/${random.cased(table)}${id && `/${id}`}`);
  return tunnelled(random, {
    ...asked,
    ...{ service, table: table.toLowerCase(), target: `/api/v2/${random.cased(service)}/${path}` },
    component: `_table/${table.toLowerCase()}${asked.component && `/${asked.component}`}`,
  });
}

/** A call on records before its path is complete: the target is the id, and the query; the component is the id. */
type Begun = Omit<Asked, 'service' | 'table'>;

/** What each relation that is named leads to, at every level. */
function relations(random: Random, table: string): { query: string; reaches: string[] } {
  const known = RELATIONS[table.toLowerCase()] ?? {};
  if (random.oneIn(8)) return { query: 'related=*', reaches: Object.values(known) };
  const name = random.of(Object.keys(known));
  const target = known[name] as string;
  if (!random.oneIn(3)) return { query: `related=${name}`, reaches: [target] };
  const further = RELATIONS[target.toLowerCase()] ?? {};
  const inner = random.of(Object.keys(further));
  return { query: `related=${name}.${inner}`, reaches: [target, further[inner] as string] };
}

function reading(random: Random, table: string): Begun {
  const base = { verb: 'GET', component: '', method: 'GET' };
  const related = relations(random, table);
  const [name, reached] = random.of(Object.entries(RELATIONS[table.toLowerCase()] ?? {}));
  return random.of<Begun>(
    [
      { ...base, target: '' },
      { ...base, target: '?limit=5&offset=1&include_count=true' },
      { ...base, target: '?count_only=true' },
      { ...base, target: '?group=kind&fields=kind,COUNT(*)' },
      { ...base, target: '?group=kind&fields=kind,COUNT(*)&having=amount%3E3' },
      { ...base, target: '?after=&order=amount' },
      { ...base, target: '?include_schema=true' },
      { ...base, target: '?ids=1,3&continue=true' },
      { ...base, target: '?ids=21&id_field=owner' },
      { ...base, ...byId(random) },
      { ...base, ...byId(random) },
      { ...base, ...filtered(random) },
      { ...base, ...filtered(random, 'count_only=true') },
      { ...base, ...filtered(random, 'include_count=true&fields=id') },
      { ...base, target: `?${related.query}`, reaches: related.reaches },
      { ...base, target: `?fields=id&${related.query}`, reaches: related.reaches },
      { ...base, target: `?limit=2&${related.query}`, reaches: related.reaches },
      { ...base, target: `${random.of(['1', '3'])}?${related.query}`, component: '', reaches: related.reaches },
      { ...base, target: `?filter=${name}.kind%3D%27ulm%27`, reaches: [reached] },
      { ...base, target: `?count_only=true&filter=${name}.amount%3E3`, reaches: [reached] },
    ].map((one) => (one.target.match(/^\d/) ? { ...one, component: one.target.replace(/\?.*/, '') } : one)),
  );
}

function byId(random: Random): { target: string; component: string } {
  const id = random.of(['1', '3', '3', '12']);
  return { target: id, component: id };
}

function filtered(random: Random, more = ''): { target: string; filter: (row: Row) => boolean } {
  const [text, filter] = random.of<[string, (row: Row) => boolean]>([
    ['amount > 10', ({ amount }) => Number(amount) > 10],
    ["(owner = 21) or (kind = 'ulm')", ({ owner, kind }) => owner === 21 || kind === 'ulm'],
    ['id > 0 or id < 0', () => true],
    ["(kind = 'ulm') and (amount < 10)", ({ kind, amount }) => kind === 'ulm' && Number(amount) < 10],
  ]);
  return { target: `?filter=${encodeURIComponent(text)}${more && `&${more}`}`, filter };
}

function exporting(random: Random, table: string): Begun {
  const headers = { accept: random.of(['application/x-ndjson', 'text/csv']) };
  const related = relations(random, table);
  return random.of<Begun>([
    { verb: 'GET', component: '', target: '', headers },
    { verb: 'GET', component: '', headers, ...filtered(random) },
    { verb: 'GET', component: '', target: `?${related.query}`, headers, reaches: related.reaches },
  ]);
}

const record = (random: Random): Row => ({
  ...(random.oneIn(4) ? {} : { owner: random.of([21, 22, 23, 11, null]) }),
  ...(random.oneIn(2) ? {} : { kind: random.of(['ulm', 'bonn', 'kiel', null]) }),
  ...(random.oneIn(2) ? {} : { amount: random.of([4, 10, 11, 20]) }),
});

function creating(random: Random, table: string): Begun {
  const records = [record(random), ...random.many(2, () => record(random))];
  const nested = random.oneIn(5);
  const [name, reached] = random.of(Object.entries(RELATIONS[table.toLowerCase()] ?? {}));
  const sent = nested ? records.map((each) => ({ ...each, [name]: [{ kind: 'new' }] })) : records;
  const mode = random.of(['', '?continue=true', '?rollback=true']);
  return {
    ...{ verb: 'POST', component: '', target: mode, method: 'POST', headers: JSON_TYPE, records },
    body: JSON.stringify(random.oneIn(2) ? sent : { resource: sent }),
    ...(nested && { reaches: [reached] }),
  };
}

function importing(random: Random): Begun {
  const records = [record(random), ...random.many(3, () => record(random))].map((row) => ({ ...row, note: 'x' }));
  const base = { verb: 'POST', component: '', method: 'POST', streamed: true, imports: true } as const;
  const target = random.of(['', '?continue=true', '?rollback=true']);
  const prefer = { prefer: 'return=minimal' };
  if (random.oneIn(3))
    return { ...base, target, records, headers: { ...JSON_TYPE, ...prefer }, body: JSON.stringify(records) };
  if (random.oneIn(2)) {
    const body = records.map((row) => `${JSON.stringify(row)}\n`).join('');
    return { ...base, target, records, headers: { 'content-type': 'application/x-ndjson' }, body };
  }
  // A file says everything of each record; what is empty there would be an empty text.
  const rows = records.map((row) => ({ owner: 21, kind: 'ulm', amount: 4, ...defined(row) }));
  const body = `owner,kind,amount\n${rows.map(({ owner, kind, amount }) => `${owner},${kind},${amount}\n`).join('')}`;
  return { ...base, target, records: rows, headers: { 'content-type': 'text/csv', ...prefer }, body };
}

const defined = (row: Row): Row => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));

function updating(random: Random, table: string): Begun {
  const verb = random.of(['PUT', 'PATCH']);
  const row = record(random);
  const base = { verb, method: verb, component: '', headers: JSON_TYPE, records: [row], upserts: true };
  const many = JSON.stringify([row]);
  const id = byId(random);
  const [name, reached] = random.of(Object.entries(RELATIONS[table.toLowerCase()] ?? {}));
  const nested = JSON.stringify({ ...row, [name]: [{ id: 3, kind: 'taken' }] });
  return random.of<Begun>([
    { ...base, ...id, body: JSON.stringify(row) },
    { ...base, ...id, body: JSON.stringify(row) },
    { ...base, ...id, body: nested, reaches: [reached] },
    { ...base, target: '?ids=1,3', body: many },
    { ...base, ...filtered(random), body: many },
    { ...base, target: '?continue=true', body: JSON.stringify([{ id: 1, ...row }]) },
    { ...base, target: '?rollback=true&fields=*', body: JSON.stringify([{ id: 3, ...row }]) },
  ]);
}

function deleting(random: Random): Begun {
  const base = { verb: 'DELETE', method: 'DELETE', component: '' };
  return random.of<Begun>([
    { ...base, ...byId(random) },
    { ...base, target: '?ids=1,3&fields=*' },
    { ...base, ...filtered(random) },
    { ...base, target: '?force=true' },
    { ...base, target: '', headers: JSON_TYPE, body: '[{"id":3}]' },
  ]);
}

/** A POST that stands for another verb is decided as that verb. */
function tunnelled(random: Random, asked: Asked): Asked {
  if (asked.imports || asked.verb === 'POST' || !random.oneIn(6)) return asked;
  if (random.oneIn(2)) {
    const name = random.of(['x-http-method', 'x-method-override', 'x-http-method-override']);
    return { ...asked, method: 'POST', headers: { ...asked.headers, [name]: random.cased(asked.verb) } };
  }
  const option = `${random.of(['method', '_method'])}=${random.cased(asked.verb)}`;
  return { ...asked, method: 'POST', target: `${asked.target}${asked.target.includes('?') ? '&' : '?'}${option}` };
}

function listing(random: Random, service: string): Asked {
  const lists = random.of(['', '_table', '_table', '_schema', '_schema', '_proc', '_func'] as const);
  const listsAccess = random.oneIn(2);
  const query = listsAccess ? '?fields=*&include_access=true' : random.of(['', '?as_list=true']);
  const path = `${random.cased(service)}${lists && `/${random.cased(lists)}`}`;
  return { target: `/api/v2/${path}${query}`, service, component: lists, verb: 'GET', lists, listsAccess };
}

function schema(random: Random, service: string): Asked {
  const table = random.of(TABLES);
  const base = { service, component: '_schema' };
  const at = `/api/v2/${service}/_schema`;
  const named = `_schema/${table.toLowerCase()}`;
  const body = JSON.stringify({ resource: [{ name: table, field: [{ name: 'x', type: 'string' }] }] });
  return random.of<Asked>([
    { ...base, verb: 'GET', target: `${at}?ids=${table}`, beside: [named] },
    { ...base, verb: 'GET', target: `${at}?ids=customer,${table}`, beside: ['_schema/customer', named] },
    { ...base, verb: 'GET', target: `${at}/${table}`, component: named },
    { ...base, verb: 'GET', target: `${at}/${table}/_field/id`, component: `${named}/_field/id` },
    { ...base, verb: 'GET', target: `${at}/${table}/_related`, component: `${named}/_related` },
    { ...base, verb: 'POST', method: 'POST', target: at, headers: JSON_TYPE, body, beside: [named] },
    { ...base, verb: 'DELETE', method: 'DELETE', target: `${at}?ids=${table}`, beside: [named] },
    { ...base, verb: 'DELETE', method: 'DELETE', target: `${at}/${table}`, component: named },
  ]);
}

function routine(random: Random, service: string): Asked {
  const kind = random.of(['_proc', '_func']);
  const name = random.of(ROUTINES);
  const component = `${kind}/${name.toLowerCase()}`;
  const at = `/api/v2/${service}/${kind}`;
  return random.of<Asked>([
    { service, component, verb: 'GET', target: `${at}/${name}` },
    { service, component, verb: 'GET', target: `${at}/${name}(1,2)` },
    { service, component, verb: 'POST', method: 'POST', target: `${at}/${name}`, headers: JSON_TYPE, body: '{}' },
    { service, component: kind, verb: 'GET', target: `${at}?ids=${name}`, beside: [component] },
  ]);
}

function system(random: Random): Asked {
  const base = { service: 'system' };
  const verb = random.of(FIVE);
  const hasBody = verb !== 'GET' && verb !== 'DELETE';
  const body = hasBody ? { headers: JSON_TYPE, body: '{"name":"x"}' } : {};
  return random.of<Asked>([
    { ...base, verb: 'GET', target: '/api/v2/system/environment', component: 'environment' },
    { ...base, verb: 'GET', target: '/api/v2/system/role', component: 'role' },
    { ...base, verb: 'GET', target: '/api/v2/system/admin/session', component: 'admin/session' },
    ...(verb === 'POST'
      ? []
      : [{ ...base, ...body, verb, method: verb, target: '/api/v2/system/role/3', component: 'role/3' }]),
    { ...base, verb: 'GET', target: '/api/v2/System/User/1', component: 'user/1' },
    { ...base, verb: 'GET', target: '/api/v2/system/admin', component: 'admin' },
  ]);
}
