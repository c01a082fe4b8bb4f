/** The places of the API that a caller can write to, each as the requests that carry a payload there. */
import { pageToken } from '#common/page-token.ts';
import type { Headers } from '../client.ts';
import {
  type Attack,
  type Call,
  header,
  json,
  named,
  type Options,
  put,
  quoted,
  raw,
  segment,
  text,
  url,
} from './calls.ts';
import { CANARY, type Engine } from './payloads.ts';

export interface Place {
  readonly name: string;
  /** One after the other. `guest`: headers of somebody who sees of the canaries those whose name the lookup ASKED is. */
  readonly calls: (attack: Attack, guest: Headers) => readonly Call[];
  /**
   * The payload is a good value there: the answer is a success, and the database gets it as a bound value. At least for
   * this share of all: the rest is no text that a database or a path can hold.
   */
  readonly goodShare?: number;
  /** Names and literals are made there, which stand in quotes in a statement. */
  readonly isName?: boolean;
  /** It changes what others use: so many requests at a time, when all others are done. */
  readonly makers?: number;
  /** Where `goodShare` does not hold: the engine has nothing of the kind. */
  readonly notIn?: readonly Engine[];
}

type More = Partial<Place>;
export const ASKED = 'asked';

/** A table that nothing may change. */
const T = `_table/${CANARY}`;
/** A table to write to, and where its records belong to. */
const W = '_table/scratch';
const R = 'parent_by_parent_id';

const VALUE: More = { goodShare: 0.9 };
/** Each of them makes the rest plan anew. */
const MAKERS = 4;
/** A read that has a body. */
const GET = { 'X-HTTP-Method': 'GET' };

const get = (name: string, options: Options, more: More = {}, path = T): Place => ({
  name,
  calls: (attack) => [{ method: 'GET', path: url(path, attack, options) }],
  ...more,
});
const at = (name: string, method: string, path: (attack: Attack) => string, more: More = {}): Place => ({
  name,
  calls: (attack) => [{ method, path: path(attack) }],
  ...more,
});
const send = (name: string, method: string, path: string, body: (p: string) => unknown, more: More = {}): Place => ({
  name,
  calls: (attack) => [json(method, path, attack, body(attack.text))],
  ...more,
});
const read = (name: string, path: string, body: (p: string) => unknown, more: More = {}): Place => ({
  name,
  calls: (attack) => [json('POST', path, attack, body(attack.text), GET)],
  ...more,
});

const FILTER: readonly Place[] = [
  get('filter', { filter: text }),
  get('filter: a value', { filter: put('name = ') }),
  get('filter: a text', { filter: put('name = ', quoted) }, VALUE),
  get('filter: a number', { filter: put('amount = ') }),
  get('filter: a day', { filter: put('born > ', quoted) }),
  get(
    'filter: a list, a range, a pattern',
    {
      filter: (a) =>
        [`name IN ('x', ${quoted(a)})`, `name BETWEEN ${quoted(a)} AND 'x'`, `name LIKE ${quoted(a)}`].join(' OR '),
    },
    VALUE,
  ),
  get('filter: a part', { filter: put('name CONTAINS ') }),
  get('filter: a field', { filter: put('', text, ' = 1') }),
  get('filter: a field in quotes', { filter: put('', named, ' = 1') }),
  get('filter: an operator', { filter: put('name ', text, " 'x'") }),
  get('filter: a call', { filter: put('born > (now() - interval ', text, ')') }),
  get('filter: a parameter', { filter: 'name = :p', 'params[:p]': text }, VALUE),
  get('filter: the name of a parameter', [
    ['filter', put('name = :')],
    [put('params[:', text, ']'), 'x'],
  ]),
  get('filter: counted', { filter: put('name != ', quoted), count_only: 'true' }, VALUE),
  get('filter: what is related', { filter: put(`${R}.name = `, quoted) }, VALUE),
  get('filter: a relation', { filter: put('', text, '.name = 1') }),
  read('filter: in the body', T, (p) => ({ filter: 'name = :p', params: { ':p': p } }), VALUE),
];

const OPTIONS: readonly Place[] = [
  get('fields', { fields: put('id,') }),
  get('fields: an aggregate', { fields: put('name,SUM(', text, ')'), group: 'name' }),
  read('fields: in the body', T, (p) => ({ fields: ['id', p] })),
  get('order', { order: text }),
  get('order: in quotes', { order: named }),
  get('order: a direction', { order: put('name ') }),
  get('group', { group: text, fields: 'name,COUNT(*)' }),
  get('having', { group: 'name', fields: 'name,COUNT(*)', having: put('MAX(', text, ') > 1') }),
  get('having: a value', { group: 'name', fields: 'name,COUNT(*)', having: put('name = ', quoted) }, VALUE),
  get('limit, offset and flags', [
    ...['limit', 'offset', 'count_only', 'include_count', 'file', 'wrap', 'refresh'].map(
      (name) => [name, text] as const,
    ),
    [text, text],
  ]),
  get('after', { after: text }),
  get('after: a token', { after: (a) => pageToken([a.text, '1']), order: 'name' }),
  get('accept', { accept: text }),
];

const KEYS: readonly Place[] = [
  get('ids', { ids: text }),
  read('ids: in the body', T, (p) => ({ ids: [1, p] })),
  read('ids: by a text', `${T}?id_field=name`, (p) => ({ ids: [p] })),
  get('id_field', { ids: '1', id_field: text }),
  get('id_field: as a list', { as_list: 'true', id_field: text }),
  at('id', 'GET', (a) => `${T}/${segment(a)}`),
  at('id: a text', 'GET', (a) => `${T}/${segment(a)}?id_field=name`),
  read('records to read', T, (p) => ({ resource: [{ id: p }] })),
  at('table', 'GET', (a) => `_table/${segment(a)}`),
  at('table: to delete from', 'DELETE', (a) => `_table/${segment(a)}?force=true`),
  { name: 'table: to write to', calls: (a) => [json('POST', `_table/${segment(a)}`, a, [{ a: 1 }])] },
  at('resource', 'GET', (a) => segment(a)),
];

const RELATED: readonly Place[] = [
  get('related', [
    ['related', (a) => `${a.text},${R}.${a.text}`],
    [put('', text, '.fields'), text],
  ]),
  ...['fields', 'order', 'group', 'filter'].map((option) =>
    get(`related: ${option}`, { related: R, [`${R}.${option}`]: text }),
  ),
  get('related: limit and count_only', { related: R, [`${R}.limit`]: text, [`${R}.count_only`]: text }),
  get('related: a value', { related: R, [`${R}.filter`]: put('name != ', quoted) }, VALUE),
];

/** A list that begins with good ones is a good list up to there, and what comes before a bad one would stay done. */
const IDS: Options = { ids: text, rollback: 'true' };
const OF_TYPES = ['amount', 'price', 'born', 'seen', 'flag', 'data', 'parent_id', 'id'];
const xml = (value: string): string =>
  `<x><resource><note>${value.replace(/[&<]/g, (c) => `&#${c.charCodeAt(0)};`)}</note></resource></x>`;

const WRITES: readonly Place[] = [
  send('body: a text', 'POST', `${W}?fields=*`, (p) => [{ note: p }], VALUE),
  send('body: several records', 'POST', `${W}?rollback=true`, (p) => [{ note: p }, { note: p }], VALUE),
  send('body: other types', 'POST', `${W}?continue=true`, (p) => OF_TYPES.map((field) => ({ note: 'x', [field]: p }))),
  send('body: a key', 'POST', W, (p) => [{ note: 'x', [p]: p }]),
  send('body: an expression', 'POST', `${W}?continue=true`, (p) => [
    { note: { expression: p } },
    { note: [{ [p]: p }] },
  ]),
  send('body: a related record', 'POST', W, (p) => [{ note: 'x', [R]: { name: p } }], VALUE),
  send('body: options', 'POST', W, (p) => ({ resource: [{ note: 'x' }], fields: p, ids: p, params: { [p]: p } })),
  send('PATCH by id', 'PATCH', `${W}/1`, (p) => ({ note: p, [p]: p }), VALUE),
  {
    name: 'PATCH by filter',
    calls: (a) => [json('PATCH', url(T, a, { filter: put('name = ', quoted) }), a, [{ amount: 0 }])],
    ...VALUE,
  },
  { name: 'PUT by ids', calls: (a) => [json('PUT', url(T, a, IDS), a, [{ amount: 0 }])] },
  at('DELETE by filter', 'DELETE', (a) => url(T, a, { filter: put('name = ', quoted) }), VALUE),
  at('DELETE by id', 'DELETE', (a) => `${T}/${segment(a)}`),
  at('DELETE by ids', 'DELETE', (a) => url(T, a, IDS)),
  send('DELETE by records', 'DELETE', T, (p) => [{ id: p }]),
  { name: 'CSV', calls: (a) => [raw('POST', W, a, 'text/csv', `note,${named(a)}\n${named(a)},1\n`)], ...VALUE },
  { name: 'XML', calls: (a) => [raw('POST', W, a, 'application/xml', xml(a.text))] },
  {
    name: 'form',
    calls: (a) => [raw('POST', W, a, 'application/x-www-form-urlencoded', `resource[0][note]=${segment(a)}`)],
  },
];

const table = (name: string, of: (p: string) => object, more: (p: string) => object = () => ({})): Place =>
  send(name, 'POST', '_schema', (p) => ({
    resource: [
      {
        name: 'never_made',
        field: [
          { name: 'id', type: 'id' },
          { name: 'c', type: 'string', ...of(p) },
        ],
        ...more(p),
      },
    ],
  }));
const REFERENCE = { type: 'reference', ref_table: CANARY, ref_field: 'id' };
/** Where nothing is made: it would be SQL from a request, or what it speaks of is not there. */
const SCHEMA: readonly Place[] = [
  get('_schema: names', { ids: text, schema: text }, {}, '_schema'),
  at('_schema: a table', 'GET', (a) => `_schema/${segment(a)}`),
  at('_schema: a field', 'GET', (a) => `_schema/${CANARY}/_field/${segment(a)}`),
  at('_schema: a relation', 'GET', (a) => `_schema/${CANARY}/_related/${segment(a)}`),
  at('_schema: a table to drop', 'DELETE', (a) => `_schema/${segment(a)}`),
  at('_schema: a field to drop', 'DELETE', (a) => `_schema/${CANARY}/_field/${segment(a)}`),
  table('_schema: an expression', (p) => ({ type: 'datetime', default: { expression: p } })),
  table('_schema: a default that is none', (p) => ({ type: 'boolean', default: p })),
  table('_schema: a length', (p) => ({ length: p })),
  table('_schema: a type', (p) => ({ type: p })),
  table(
    '_schema: options',
    () => ({}),
    (p) => ({ options: p }),
  ),
  table('_schema: SQL', (p) => ({ sql: p, type_extras: p, db_function: p })),
  table('_schema: ref_table', (p) => ({ ...REFERENCE, ref_table: p })),
  table('_schema: ref_field', (p) => ({ ...REFERENCE, ref_field: p })),
  table('_schema: ref_on_delete', (p) => ({ ...REFERENCE, ref_on_delete: p })),
  send('_schema: a virtual relation', 'POST', `_schema/${CANARY}/_related`, (p) => ({
    resource: [{ type: 'belongs_to', is_virtual: true, field: 'id', ref_table: p, ref_field: p }],
  })),
];

const CALLED: More = { ...VALUE, notIn: ['mariadb', 'sqlite'] };
const ROUTINES: readonly Place[] = [
  at('_proc', 'GET', (a) => `_proc/${segment(a)}`),
  at('_func', 'GET', (a) => `_func/${segment(a)}`),
  get('_func: names', { ids: text }, {}, '_func'),
  at('_func: an argument', 'GET', (a) => `_func/greet(${segment(a)})`),
  get('_func: in the query', { name: text }, CALLED, '_func/greet'),
  send('_func: a parameter', 'POST', '_func/greet', (p) => ({ params: [p] }), CALLED),
  send('_func: the name of a parameter', 'POST', '_func/greet', (p) => ({ params: { name: 'x', [p]: p } })),
  send('_func: a number', 'POST', '_func/add', (p) => ({ params: [p, p] })),
  send('_proc: a parameter', 'POST', '_proc/rename', (p) => ({ params: { which: 1, name: p } }), CALLED),
  send('_proc: wrapper and returns', 'POST', '_proc/rename', (p) => ({ params: [1, 'x'], wrapper: p, returns: p })),
];

const head = (name: string, ...headers: string[]): Place => ({
  name,
  calls: (a) => [
    { method: 'GET', path: `${T}?limit=1`, headers: Object.fromEntries(headers.map((one) => [one, header(a)])) },
  ],
});
const HEADERS: readonly Place[] = [
  {
    name: 'Prefer',
    calls: (a) => [{ method: 'GET', path: T, headers: { Prefer: `count=estimated, handling=${header(a)}` } }],
  },
  {
    name: 'Prefer: with an unknown option',
    calls: (a) => [{ method: 'GET', path: url(T, a, [[text, '1']]), headers: { Prefer: 'handling=strict' } }],
  },
  {
    // It may hold no blanks.
    name: 'Idempotency-Key',
    calls: (a) => [json('POST', W, a, [{ note: 'x' }], { 'Idempotency-Key': header(a).replace(/\s+/g, '/**/') })],
  },
  head('X-HTTP-Method', 'X-HTTP-Method'),
  head('X-DreamFactory-API-Key', 'X-DreamFactory-API-Key'),
  head('X-DreamFactory-Session-Token', 'X-DreamFactory-Session-Token'),
  head('Accept', 'Accept'),
  head('other headers', 'X-Request-Id', 'Origin', 'User-Agent', 'Referer', 'Wrap', 'X-Forwarded-For'),
  { name: 'Content-Type', calls: (a) => [raw('POST', W, a, header(a) || 'x', '[{"note":"x"}]')] },
];

const made = (p: string): object => ({
  name: p,
  field: [
    { name: 'id', type: 'id' },
    { name: p, type: 'string', allow_null: true, default: p, is_index: true },
    { name: 'up', type: 'reference', ref_table: p, ref_field: 'id', allow_null: true },
  ],
});
/** Names and defaults that are made, and then used: a text that was stored is no safer than one that was sent. */
const NAMES: readonly Place[] = [
  {
    name: 'a table, its field and its default',
    isName: true,
    makers: MAKERS,
    calls: (sent) => {
      const p = sent.text.trim();
      const a = { ...sent, text: p };
      const path = `_table/${segment(a)}`;
      const asked = { filter: `${named(a)} = ${quoted(a)}`, fields: ['id', p] };
      const grouped = { group: [p], fields: [p, 'COUNT(*)'], order: named(a) };
      return [
        json('POST', '_schema', a, { resource: [made(p)] }),
        json('POST', `${path}?fields=*`, a, [{ up: null }, { [p]: p, up: 1 }]),
        json('POST', `${path}?include_count=true`, a, asked, { ...GET, Prefer: 'count=estimated' }),
        json('POST', path, a, grouped, GET),
        json('POST', url(path, a, { related: put('', text, '_by_up') }), a, { ids: [2] }, GET),
        json('PATCH', `${path}?fields=*`, a, [{ id: 1, [p]: p }]),
        { method: 'GET', path: `_schema/${segment(a)}` },
        { method: 'DELETE', path: `${path}/2` },
        // Not every name can stand in a path.
        json('DELETE', '_schema', a, { resource: [{ name: p }] }),
      ];
    },
  },
  {
    name: 'a field that is added and dropped',
    isName: true,
    makers: MAKERS,
    calls: (a) => [
      json('POST', '_schema/widened/_field', a, {
        resource: [{ name: a.text, type: 'string', allow_null: true, default: a.text, is_unique: true }],
      }),
      { method: 'DELETE', path: `_schema/widened/_field/${segment({ ...a, text: a.text.trim() })}` },
    ],
  },
  {
    name: 'what a field is called',
    makers: MAKERS,
    calls: (a) => [
      json('PATCH', '_schema/called/_field/name', a, { alias: a.text, label: a.text, description: a.text }),
      json('POST', '_table/called', a, { fields: [a.text], filter: `${named(a)} = 'x'` }, GET),
    ],
  },
];

const LOOKUPS: readonly Place[] = [
  {
    name: 'a lookup in a row filter',
    makers: 1,
    calls: (a, guest) => [
      json('PATCH', `/system/lookup?filter=name=${ASKED}`, a, [{ value: a.text }]),
      // It takes a moment until it counts.
      ...Array.from({ length: 3 }, () => ({ method: 'GET', path: `${T}?limit=1`, headers: guest })),
    ],
    goodShare: 0.3,
  },
];

/** Of a service that is a database. */
export const PLACES: readonly Place[] = [
  ...[...FILTER, ...OPTIONS, ...KEYS, ...RELATED, ...WRITES, ...SCHEMA, ...ROUTINES, ...HEADERS, ...NAMES, ...LOOKUPS],
];

/** Of the service `system`, whose database is our own. */
export const SYSTEM_PLACES: readonly Place[] = [
  get('filter', { filter: text }, {}, 'role'),
  get('filter: a text', { filter: put('name = ', quoted) }, VALUE, 'role'),
  get('filter: a field', { filter: put('', named, ' = 1') }, {}, 'role'),
  get('fields', { fields: text }, {}, 'role'),
  get('order', { order: text }, {}, 'role'),
  get('related', { related: text }, {}, 'role'),
  get('ids', { ids: text }, {}, 'role'),
  at('id', 'GET', (a) => `role/${segment(a)}`),
  at('resource', 'GET', (a) => segment(a)),
  at('DELETE by filter', 'DELETE', (a) => url('role', a, { filter: put('name = ', quoted) }), VALUE),
  send('body: a text', 'PATCH', 'role/1', (p) => ({ description: p, [p]: p }), VALUE),
  send('sign-in', 'POST', 'admin/session', (p) => ({ email: p, password: p })),
];
