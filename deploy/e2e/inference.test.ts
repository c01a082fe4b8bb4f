/**
 * What a role may not see cannot be inferred either: two services hold the same visible rows and different hidden ones,
 * and whatever is asked of both, the answers are the same to the letter.
 */
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningPostgres, startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { expectPlainError } from './cases.ts';
import type { Answer, Body, Client, Headers } from './client.ts';
import { Shop } from './shop.ts';

const GET = 1;
const ALL = 31;
const WORLDS = ['aa', 'bb'] as const;
type World = (typeof WORLDS)[number];

const reference = (name: string, table: string) => ({
  ...{ name, type: 'reference', ref_table: table, ref_field: 'id', allow_null: true },
});
const number = (name: string) => ({ name, type: 'integer', allow_null: true });
const id = { name: 'id', type: 'id' };
const TABLES = [
  { name: 'team', field: [id, { name: 'title', type: 'string' }] },
  { name: 'project', field: [id, { name: 'title', type: 'string' }] },
  {
    name: 'person',
    field: [
      ...[id, number('owner_id'), reference('team_id', 'team'), { name: 'name', type: 'string', allow_null: true }],
      ...[number('salary'), { name: 'code', type: 'string', size: 20, allow_null: true, is_unique: true }],
      reference('boss_id', 'person'),
    ],
  },
  { name: 'pay', field: [id, reference('person_id', 'person'), number('amount')] },
  { name: 'member', field: [id, reference('person_id', 'person'), reference('project_id', 'project')] },
];
const FIELDS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  TABLES.map(({ name, field }) => [name, field.map((one) => one.name)]),
);
/** The role has rules for these, with a row filter for persons; the others are closed. */
const OPEN = ['team', 'project', 'person'];

interface Relation {
  readonly name: string;
  readonly ref_table: string;
}

let compared = 0;
let shop: Shop;
let mine: Client;
let ids: { readonly ME: number; readonly THEM: number };
let relations: Readonly<Record<string, readonly Relation[]>>;

const person = (values: object) => ({ team_id: null, name: null, salary: null, code: null, boss_id: null, ...values });
const VISIBLE = () => [
  person({ id: 1, owner_id: ids.ME, team_id: 1, name: 'open one', salary: 10, code: 'c1' }),
  person({ id: 2, owner_id: ids.ME, team_id: 2, name: 'open two', salary: 20, code: 'c2', boss_id: 1 }),
];
const HIDDEN: Readonly<Record<World, () => object[]>> = {
  aa: () => [
    person({ id: 3, owner_id: ids.THEM, team_id: 1, name: 'hidden', salary: 987654, code: 'h3', boss_id: 1 }),
    person({ id: 4, owner_id: ids.THEM, team_id: 2, name: 'hidden', salary: 5, code: 'h4', boss_id: 2 }),
  ],
  bb: () => [
    person({ id: 3, owner_id: ids.THEM, team_id: 2, name: 'hidden', salary: 7, code: 'h5' }),
    ...[5, 6, 7].map((each) => person({ id: each, owner_id: null, team_id: 1, name: 'hidden', salary: 15 + each })),
  ],
};
/** Closed tables, whose rows belong to open and to hidden ones. */
const CLOSED: Readonly<Record<World, { pay: object[]; member: object[] }>> = {
  aa: {
    pay: [1, 2, 3].map((each) => ({ id: each, person_id: 1, amount: 987654 })),
    member: [
      { id: 1, person_id: 1, project_id: 1 },
      { id: 2, person_id: 3, project_id: 2 },
    ],
  },
  bb: { pay: [{ id: 9, person_id: 3, amount: 1 }], member: [{ id: 5, person_id: 2, project_id: 2 }] },
};

async function refill(): Promise<void> {
  for (const world of WORLDS) {
    for (const table of ['member', 'pay']) await shop.admin.json('DELETE', `${world}/_table/${table}?force=true`);
    await shop.admin.json('PATCH', `${world}/_table/person?filter=id>0`, [{ boss_id: null }]);
    await shop.admin.json('DELETE', `${world}/_table/person?force=true`);
    await shop.admin.json('POST', `${world}/_table/person`, [...VISIBLE(), ...HIDDEN[world]()]);
    await shop.admin.json('POST', `${world}/_table/pay`, CLOSED[world].pay);
    await shop.admin.json('POST', `${world}/_table/member`, CLOSED[world].member);
  }
}

interface Call {
  readonly method?: string;
  /** Below the service. */
  readonly path: string;
  readonly body?: Body;
  readonly headers?: Headers;
}

/**
 * Without what the worlds are called. That something refers to a record cannot be kept from whoever tries to delete it;
 * which of several references the database names first is left aside.
 */
const shown = (world: World, { status, text }: Answer): string =>
  `${status} ${text}`
    .replaceAll(world, '<service>')
    .replace(/(service_id"?[:>] ?)\d+/g, '$1<id>')
    .replace(/constraint '[^']*'/g, "constraint '<name>'");

/** @returns what both worlds answered; what differs fails here */
async function same({ method = 'GET', path, body, headers }: Call): Promise<string> {
  const [one, other] = (await Promise.all(
    WORLDS.map(async (world) => shown(world, await mine.send(method, `${world}/${path}`, body, headers))),
  )) as [string, string];
  compared++;
  const what = `${method} ${path} ${typeof body === 'string' ? body : JSON.stringify(body ?? '')}`;
  expect(one, what).toBe(other);
  expect(one, what).not.toMatch(/hidden|987654|"h[345]"|^5\d\d/);
  if (/^4/.test(one)) expectPlainError(one.slice(4));
  return one;
}

/** All ways to ask for rows of one table by its own fields. */
function plainReads(table: string): string[] {
  const at = `_table/${table}`;
  const fields = FIELDS[table] ?? [];
  return [
    ...['', '?fields=*', '?count_only=true', '?include_count=true&limit=1', '?offset=1&limit=1&include_count=true'],
    ...['?limit=1&order=id desc', '?after=&limit=1', '?after=&limit=1&order=id desc', '?include_schema=true&fields=id'],
    ...[...Array(8).keys()].map((each) => `/${each}`),
    ...['?ids=1,3', '?ids=3,4,5,1&continue=true', '?ids=4', '?ids=5&continue=true', '?ids=1,2'],
    ...['?fields=COUNT(*)', '?fields=MAX(id),COUNT(*)', '?having=COUNT(*) > 2&group=id&fields=id,COUNT(*)'],
    ...fields.flatMap((field) => [
      ...[`?order=${field}`, `?order=${field} desc&limit=1&fields=id`, `?group=${field}&fields=${field},COUNT(*)`],
      ...[`?filter=${field} > 3&count_only=true`, `?filter=NOT (${field} = 1)`, `?filter=${field} is null`],
      ...[`?filter=(id = 1) or (${field} is not null)&include_count=true&fields=id`],
      ...[`?id_field=${field}&ids=h3,h4,h5,3,4,5&continue=true`, `/3?id_field=${field}`, `/4?id_field=${field}`],
      ...[
        `?group=${field}&having=COUNT(*) > 1&fields=${field},COUNT(*)`,
        `?fields=${field}&order=${field}&after=&limit=1`,
      ],
      ...[`?group=id&fields=id,MAX(${field}),SUM(${field})`, `?fields=DISTINCT ${field}`],
    ]),
  ].map((query) => `${at}${query}`);
}

/** All ways to other tables. */
function relatedReads(table: string): string[] {
  const at = `_table/${table}`;
  return (relations[table] ?? [])
    .flatMap(({ name, ref_table: far }) => [
      ...[
        `?related=${name}`,
        `/1?related=${name}`,
        `?fields=id&related=${name}&${name}.fields=*`,
        `/2?related=${name}`,
      ],
      ...[`?related=${name}&${name}.count_only=true`, `?related=${name}&${name}.limit=1&${name}.order=id desc`],
      ...[`?related=${name}&${name}.filter=id > 0`, `?related=${name}&${name}.filter=(id > 0) or (id is null)`],
      ...[`?related=${name}&${name}.group=id&${name}.fields=id,COUNT(*)`, `?ids=1,2&related=${name}`],
      ...(relations[far] ?? []).flatMap(({ name: next, ref_table: further }) => [
        ...[`?related=${name}.${next}`, `?fields=id&related=${name}.${next}&${name}.${next}.count_only=true`],
        ...(FIELDS[further] ?? []).map((field) => `?fields=id&filter=${name}.${next}.${field} > 3`),
      ]),
      ...(FIELDS[far] ?? []).flatMap((field) => [
        ...[`?fields=id&filter=${name}.${field} > 3`, `?count_only=true&filter=${name}.${field} > 3`],
        ...[`?fields=id&filter=${name}.${field} is null`, `?fields=id&filter=NOT (${name}.${field} > 3)`],
        ...[`?fields=id&filter=(id > 100) or (${name}.${field} is not null)`, `?fields=id&order=${name}.${field} desc`],
        ...[`?group=${name}.${field}&fields=COUNT(*)`, `?fields=id,${name}.${field}`],
        ...[
          `?related=${name}&${name}.order=${field} desc&${name}.limit=1`,
          `?related=${name}&${name}.filter=${field} > 3`,
        ],
      ]),
    ])
    .map((query) => `${at}${query}`);
}

const LISTINGS = [
  ...['', '?as_access_list=true', '_table', '_table?fields=*', '_table?as_list=true', '_table?include_access=true'],
  ...[
    '_schema',
    '_schema?fields=*',
    '_schema?as_list=true',
    '_schema?ids=pay',
    '_schema?ids=person,pay',
    '_schema/pay',
  ],
  ...['_schema/member/_field', '_schema/pay/_related', '_table/pay', '_table/pay/1', '_table/pay?count_only=true'],
  ...['_table/member', '_table/nosuch', '_table/nosuch/1', '_schema/nosuch', '_proc', '_func', '_table/pay?related=*'],
  ...['_table/person?related=*', '_table/team?related=*', '_table/project?related=*', '_table/person?related=nosuch'],
];
const FORMATS = ['application/x-ndjson', 'text/csv', 'application/xml', 'application/json'];

const LINES = { 'Content-Type': 'application/x-ndjson' };
const CSV = { 'Content-Type': 'text/csv' };
const MINIMAL = { Prefer: 'return=minimal' };
const PERSON = '_table/person';
const MODES = ['', '&continue=true', '&rollback=true'];

/** ME and THEM stand for the ids of the users, which the system gives. */
const filled = (value: unknown): Body => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(/"?\$(ME|THEM)"?/g, (_, name: 'ME' | 'THEM') => String(ids[name]));
};

const WRITES: Call[] = [
  ...[3, 4, 5, 8].flatMap((each): Call[] => [
    { method: 'PATCH', path: `${PERSON}/${each}?fields=*`, body: { name: 'taken' } },
    { method: 'PUT', path: `${PERSON}/${each}?fields=*`, body: { name: 'taken', owner_id: '$ME' } },
    { method: 'PATCH', path: `${PERSON}/${each}`, body: { owner_id: '$ME' } },
    { method: 'PATCH', path: `${PERSON}/${each}`, body: { salary: 'no number' } },
    { method: 'DELETE', path: `${PERSON}/${each}?fields=*` },
    { method: 'PATCH', path: `${PERSON}?id_field=code`, body: [{ code: `h${each}`, name: 'taken' }] },
  ]),
  ...MODES.flatMap((mode): Call[] => [
    { method: 'PATCH', path: `${PERSON}?ids=1,3,4,5,2&fields=*${mode}`, body: [{ name: 'changed' }] },
    { method: 'PATCH', path: `${PERSON}?fields=*${mode}`, body: [1, 4, 5, 2].map((each) => ({ id: each, name: 'x' })) },
    {
      method: 'PUT',
      path: `${PERSON}?fields=*${mode}`,
      body: [5, 4, 1].map((each) => ({ id: each, owner_id: '$ME' })),
    },
    { method: 'DELETE', path: `${PERSON}?ids=2,4,5,3&fields=*${mode}` },
    { method: 'DELETE', path: `${PERSON}?fields=*${mode}`, body: [{ id: 5 }, { id: 4 }, { id: 2 }] },
    {
      method: 'POST',
      path: `${PERSON}?fields=*${mode}`,
      body: [
        { id: 20, owner_id: '$ME' },
        { id: 21, owner_id: '$THEM' },
      ],
    },
    {
      method: 'POST',
      path: `${PERSON}?fields=*&x=${mode}`,
      headers: LINES,
      body: '{"id":20,"owner_id":$ME}\n{"id":21,"owner_id":$THEM}\n',
    },
    {
      method: 'POST',
      path: `${PERSON}?x=${mode}`,
      headers: LINES,
      body: '{"id":20,"owner_id":$ME}\n{"id":21,"owner_id":$THEM}\n',
    },
    {
      method: 'POST',
      path: `${PERSON}?x=${mode}`,
      headers: LINES,
      body: '{"id":21,"owner_id":$THEM},{"id":22,"owner_id":$THEM}\n{"id":23,"owner_id":$THEM\n"name":"x"}\n',
    },
    {
      method: 'POST',
      path: `${PERSON}?x=${mode}`,
      headers: LINES,
      body: '{"id":20,"owner_id":$ME,"pay_by_person_id":[{"amount":1}]}\n',
    },
    {
      method: 'POST',
      path: `${PERSON}?x=${mode}`,
      headers: { ...CSV, ...MINIMAL },
      body: 'id,owner_id\n20,$ME\n21,$THEM\n',
    },
    { method: 'POST', path: `${PERSON}?x=${mode}`, headers: CSV, body: 'id,owner_id\n20,$ME\n21,$THEM\n' },
    { method: 'POST', path: `${PERSON}?x=${mode}`, headers: MINIMAL, body: [{ id: 20, owner_id: '$ME' }, { id: 21 }] },
  ]),
  { method: 'PATCH', path: `${PERSON}?filter=salary > 0&fields=*`, body: [{ name: 'x' }] },
  { method: 'PATCH', path: `${PERSON}?filter=pay_by_person_id.amount > 0&fields=*`, body: [{ name: 'x' }] },
  { method: 'PATCH', path: `${PERSON}?filter=person_by_boss_id.salary > 0&fields=*`, body: [{ name: 'x' }] },
  { method: 'DELETE', path: `${PERSON}?filter=pay_by_person_id.amount > 0&fields=*` },
  { method: 'PATCH', path: `${PERSON}/1?related=pay_by_person_id`, body: { name: 'x' } },
  { method: 'PATCH', path: `${PERSON}/1?related=*&fields=*`, body: { name: 'x' } },
  { method: 'POST', path: `${PERSON}?related=*&fields=*`, body: [{ id: 20, owner_id: '$ME', team_id: 1, boss_id: 1 }] },
  { method: 'PATCH', path: `${PERSON}/1`, body: { pay_by_person_id: [{ id: 1, amount: 0 }] } },
  { method: 'PATCH', path: `${PERSON}/1`, body: { person_by_boss_id: [{ id: 3, name: 'taken' }] } },
  { method: 'PATCH', path: '_table/team/1', body: { person_by_team_id: [{ id: 3, name: 'taken' }] } },
  { method: 'POST', path: '_table/pay', body: [{ person_id: 1, amount: 1 }] },
  { method: 'POST', path: '_table/pay', headers: LINES, body: '{"person_id":1,"amount":1}\n' },
  { method: 'DELETE', path: '_table/pay/1' },
];

interface Place {
  readonly type: string;
  readonly config: (world: World, folder: string) => object;
}

function suites(open: () => Promise<Place>): void {
  beforeAll(async () => {
    const { type, config } = await open();
    shop = await Shop.open();
    const rules = [];
    for (const world of WORLDS) {
      const service = {
        name: world,
        label: 'World',
        type,
        is_active: true,
        config: config(world, shop.product.folder),
      };
      const { id: service_id } = await shop.admin.create('system/service', service);
      await shop.admin.json('POST', `${world}/_schema`, { resource: TABLES });
      for (const table of ['team', 'project']) {
        await shop.admin.json('POST', `${world}/_table/${table}`, [
          { id: 1, title: 'one' },
          { id: 2, title: 'two' },
        ]);
      }
      const owned = [{ name: 'owner_id', operator: '=', value: '{user.id}' }];
      rules.push(
        { service_id, component: '_table/person/*', verb_mask: ALL, filters: owned, filter_op: 'AND' },
        { service_id, component: '_table/team/*', verb_mask: GET },
        { service_id, component: '_table/project/*', verb_mask: GET },
        { service_id, component: '_table', verb_mask: GET },
        { service_id, component: '', verb_mask: GET },
      );
    }
    const role = await shop.role(...rules);
    const app = await shop.app();
    const me = await shop.user(app.id, role);
    const them = await shop.user(app.id, role);
    ids = { ME: me.id, THEM: them.id };
    mine = await shop.client(app.api_key, me);
    const related = async (table: string): Promise<[string, Relation[]]> => {
      const answer = await shop.admin.json<{ resource: Relation[] }>('GET', `aa/_schema/${table}/_related?fields=*`);
      return [table, answer.resource];
    };
    relations = Object.fromEntries(await Promise.all(TABLES.map(({ name }) => related(name))));
    await refill();
  });
  afterAll(async () => {
    console.info(`inference: ${compared} calls compared`);
    compared = 0;
    await shop?.close();
  });

  test('the two worlds differ, to those who see all of them', async () => {
    const count = (world: World) => shop.admin.json('GET', `${world}/_table/person?count_only=true`);
    expect([await count('aa'), await count('bb')]).toEqual([4, 6]);
    expect(await same({ path: `${PERSON}?fields=id` })).toBe('200 {"resource":[{"id":1},{"id":2}]}');
  });

  async function all(paths: readonly string[], headers?: Headers): Promise<void> {
    const statuses = new Set<string>();
    for (const path of paths) statuses.add((await same({ path, ...(headers && { headers }) })).slice(0, 3));
    // Where everything is refused, nothing is shown to be the same.
    expect([...statuses]).toContain('200');
  }

  test.each(OPEN)('%s, by its own fields', (table) => all(plainReads(table)));
  test.each(OPEN)('%s, by its relations', (table) => all([`_table/${table}`, ...relatedReads(table)]));
  test('listings and descriptions', () => all(LISTINGS));
  test.each(FORMATS)('as %s', async (type) => {
    const paths = OPEN.flatMap((table) => [...plainReads(table).slice(0, 12), `_table/${table}?related=*`]);
    await all(paths, { Accept: type });
  });

  describe('writes', () => {
    beforeEach(refill);
    test.each(WRITES)('$method $path $body', async ({ body, ...call }) => {
      await same({
        ...call,
        ...(body !== undefined && { body: filled(body) }),
        headers: { 'Content-Type': 'application/json', ...call.headers },
      });
      for (const world of WORLDS) {
        const { resource } = await shop.admin.json<{ resource: object[] }>(
          'GET',
          `${world}/_table/person?order=id&filter=(owner_id != ${ids.ME}) or (owner_id is null)`,
        );
        expect(resource).toEqual(HIDDEN[world]());
        expect(await shop.admin.json('GET', `${world}/_table/pay?order=id`)).toEqual({ resource: CLOSED[world].pay });
      }
      await same({ path: `${PERSON}?order=id` });
    });
  });

  test('what is taken is all that the refusal of a value says', async () => {
    await refill();
    for (const body of [
      { id: 3, owner_id: ids.ME },
      { id: 30, owner_id: ids.ME, code: 'h3' },
    ]) {
      const { status, text } = await mine.send('POST', 'aa/_table/person?fields=*', [body]);
      expect(status).toBe(400);
      expectPlainError(text);
      expect(text).not.toMatch(/hidden|987654|owner_id|salary/);
    }
  });
}

describe('SQLite', () =>
  suites(async () => ({
    type: 'sqlite',
    config: (world, folder) => ({ database: join(folder, `${world}.sqlite`) }),
  })));

suiteWith('postgres', 'PostgreSQL', () => {
  let postgres: RunningPostgres | undefined;
  afterAll(() => postgres?.stop());
  suites(async () => {
    postgres = await startPostgres();
    const { url, host, port, database, user: username, password } = postgres;
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    for (const world of WORLDS) await client.query(`create schema ${world}`);
    await client.end();
    return { type: 'pgsql', config: (schema) => ({ host, port, database, username, password, schema }) };
  });
});
