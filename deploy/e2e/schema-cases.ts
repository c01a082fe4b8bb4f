/** What is asked of the schema of every engine. */
import { expect } from 'vitest';
import type { Case } from './cases.ts';
import { ids, list } from './people.ts';

const NOTE = {
  name: 'note',
  field: [
    { name: 'id', type: 'id' },
    { name: 'body', type: 'text' },
  ],
};

/** One after the other. */
export const SCHEMA: Case[] = [
  { name: 'tables are listed', path: '_schema', answers: list({ name: 'person' }, { name: 'pet' }) },
  { name: 'and have records', path: '_table?as_list=true', answers: list('person', 'pet') },
  {
    name: 'a table is described',
    path: '_schema/person',
    contains: ['"primary_key":["id"]', '"name":"balance"', '"type":"decimal"', '"pet_by_person_id"'],
  },
  { name: 'an unknown table is not', path: '_schema/nobody', status: 404, contains: ['nobody'] },
  {
    name: 'a field is described',
    path: '_schema/pet/_field/person_id',
    contains: ['"ref_table":"person"', '"is_foreign_key":true'],
  },
  { name: 'a table is created', method: 'POST', path: '_schema', body: list(NOTE), answers: list({ name: 'note' }) },
  { name: 'and can be used at once', method: 'POST', path: '_table/note', body: list({ body: 'x' }), answers: ids(1) },
  {
    name: 'twice changes nothing',
    method: 'POST',
    path: '_schema',
    body: list(NOTE),
    after: ['_table/note', list({ id: 1, body: 'x' })],
  },
  {
    name: 'a field is added',
    method: 'POST',
    path: '_schema/note/_field',
    body: list({ name: 'stars', type: 'integer', allow_null: true }),
    after: ['_table/note/1', { id: 1, body: 'x', stars: null }],
  },
  {
    name: 'a type that is none is refused',
    method: 'POST',
    path: '_schema/note/_field',
    body: list({ name: 'z', type: 'quux' }),
    status: 400,
  },
  {
    name: 'a field is dropped',
    method: 'DELETE',
    path: '_schema/note/_field/stars',
    after: ['_table/note/1', { id: 1, body: 'x' }],
  },
  { name: 'a table is dropped', method: 'DELETE', path: '_schema/note', answers: { success: true } },
  { name: 'and gone at once', path: '_table/note', status: 404 },
  { name: 'dropping it again is refused', method: 'DELETE', path: '_schema/note', status: 404 },
];

const TRIP = {
  name: 'trip',
  alias: 'journey',
  label: 'Trip',
  plural: 'Trips made',
  description: 'who went where',
  name_field: 'goal',
  field: [
    { name: 'id', type: 'id' },
    { name: 'goal', type: 'string', size: 40, is_unique: true, label: 'Destination', description: 'a town' },
    { name: 'means', type: 'string', picklist: 'car, train', validation: { picklist: { on_fail: 'by car or train' } } },
    { name: 'km', type: 'decimal', precision: 7, decimals: 1, alias: 'distance', allow_null: true, is_index: true },
    { name: 'stars', type: 'integer', default: 3 },
    { name: 'made', type: 'datetime', default: { expression: 'CURRENT_TIMESTAMP' }, allow_null: true },
    { name: 'person_id', type: 'reference', ref_table: 'person', ref_field: 'id', allow_null: true },
  ],
};
const trip = (path: string, more: object): Case => ({ name: `trip: ${path}`, path: `_schema/trip${path}`, ...more });
const post = (path: string, body: unknown, more: Partial<Case> = {}): Case => ({
  name: `POST ${path}`,
  method: 'POST',
  path,
  body: body as object,
  ...more,
});
const patch = (path: string, body: unknown, more: Partial<Case> = {}): Case => ({
  ...post(path, body, more),
  name: more.name ?? `PATCH ${path}`,
  method: 'PATCH',
});
const put = (path: string, body: unknown, more: Partial<Case> = {}): Case => ({
  ...post(path, body, more),
  name: more.name ?? `PUT ${path}`,
  method: 'PUT',
});
const drop = (path: string, more: Partial<Case> = {}): Case => ({
  name: `DELETE ${path}`,
  method: 'DELETE',
  path,
  answers: { success: true },
  ...more,
});
const plain = (...names: string[]) => names.map((name) => ({ name, field: [{ name: 'id', type: 'id' }] }));
const names = (...found: string[]) => list(...found.map((name) => ({ name })));

const REFUSED_FIELDS: readonly (readonly [why: string, field: object, word: string])[] = [
  ['raw SQL', { type: 'text', sql: 'text; drop table pet' }, "'sql'"],
  ['raw SQL behind the type', { type: 'text', type_extras: 'collate x' }, "'type_extras'"],
  ['SQL as a type', { type: 'text) ; drop table pet --' }, "'type'"],
  ['words that are no type', { type: 'integer references pet' }, 'integer references pet'],
  ['no type', {}, "'type'"],
  ['a reference to nothing', { type: 'reference' }, "'ref_table'"],
  ['a reference to nowhere', { type: 'reference', ref_table: 'nobody' }, 'nobody'],
  ['a reference to no field', { type: 'reference', ref_table: 'pet', ref_field: 'x' }, "'ref_field'"],
  ['an action that is none', { type: 'reference', ref_table: 'pet', ref_on_delete: 'explode' }, "'ref_on_delete'"],
  ['a length that is none', { type: 'string', length: 'much' }, "'length'"],
  ['a default that is SQL', { type: 'string', default: { expression: "(select 'x')" } }, 'expression'],
  ['a default that is no value', { type: 'string', default: ['x'] }, "'default'"],
  ['a flag that is none', { type: 'string', is_unique: 'perhaps' }, "'is_unique'"],
  ['a picklist that is none', { type: 'string', picklist: { a: 1 } }, "'picklist'"],
];

/** The paths and verbs of `_schema` one by one, after the others. */
export const SCHEMA_PATHS: Case[] = [
  // --- reading ---
  { name: 'an entry of the list', path: '_schema?ids=pet', contains: [/^\{"resource":\[\{"alias":null,"name":"pet",/] },
  {
    name: 'all properties of the list',
    path: '_schema?fields=*',
    contains: [
      '{"alias":null,"name":"pet","label":"Pet","description":null,"native":[],"plural":"Pets","is_view":false',
    ],
  },
  {
    name: 'descriptions by their names',
    path: '_schema?ids=pet,PERSON',
    contains: ['"name":"pet"', '"name":"person"', '"constraints"', '"access":31'],
  },
  {
    name: 'descriptions by names in the body',
    method: 'POST',
    headers: { 'X-HTTP-Method': 'GET' },
    path: '_schema',
    body: { ids: ['pet'] },
    contains: ['"name":"pet"', '"constraints"'],
  },
  {
    name: 'descriptions by objects in the body',
    method: 'POST',
    headers: { 'X-HTTP-Method': 'GET' },
    path: '_schema',
    body: { resource: ['pet', { name: 'person' }] },
    contains: ['"name":"pet"', '"name":"person"'],
  },
  { name: 'names in any case', path: '_schema/PET?refresh=true', contains: ['"name":"pet"'] },
  {
    name: 'fields by their names',
    path: '_schema/pet/_field?ids=title,id&as_list=true&fields=name',
    contains: [/^\{"resource":\[\{"alias":null,"name":"title",.*"name":"id",/],
    lacks: ['person_id'],
  },
  {
    name: 'an unknown field',
    path: '_schema/pet/_field/nobody',
    status: 404,
    contains: ["No requested fields found in table 'pet'."],
  },
  { name: 'the older path of a field', path: '_schema/pet/title', contains: [/^\{"alias":null,"name":"title",/] },
  {
    name: 'relations',
    path: '_schema/pet/_related',
    contains: [/^\{"resource":\[\{"alias":null,"name":"person_by_person_id",/],
  },
  {
    name: 'one relation',
    path: '_schema/person/_related/pet_by_person_id',
    contains: [/^\{"alias":null,"name":"pet_by_person_id",.*"type":"has_many","field":"id"/],
  },
  {
    name: 'an unknown relation',
    path: '_schema/pet/_related/nobody',
    status: 404,
    contains: ["No requested relationships found in table 'pet'."],
  },
  // --- creating ---
  ...(['POST', 'PUT', 'PATCH'] as const).map((method) => ({
    name: `${method} without a body`,
    method,
    path: '_schema',
    status: 400,
    contains: [`No data in schema ${method === 'POST' ? 'create' : 'update'} request.`],
  })),
  post('_schema', {}, { name: 'POST of nothing', status: 400 }),
  post('_schema', [{ field: [{ name: 'a', type: 'id' }] }], {
    name: 'POST without a name',
    status: 400,
    contains: ['Table schema received does not have a valid name.'],
  }),
  post('_schema', [{ name: 'none' }], {
    name: 'POST without fields',
    status: 400,
    contains: ['No valid fields exist in the received table schema.'],
  }),
  post('_schema/trip', TRIP, { name: 'POST to a table that is not there', status: 404 }),
  put('_schema/trip', TRIP, { status: 404 }),
  put('_schema', list(TRIP), { status: 404, contains: ['trip'] }),
  patch('_schema', list(TRIP), { status: 404 }),
  post('_schema?fields=*', list(TRIP), {
    name: 'POST that shows what it made',
    contains: [
      /^\{"resource":\[\{"alias":"journey","name":"trip","label":"Trip","description":"who went where","native":\[\],"plural":"Trips made","is_view":false,"primary_key":\["id"\],"name_field":"goal","field":\[/,
      '"picklist":["car","train"],"validation":{"picklist":{"on_fail":"by car or train"}}',
    ],
  }),
  post('_schema?fields=name,label', plain('one', 'two'), {
    name: 'POST of several, of which some properties are shown',
    answers: list({ name: 'one', label: 'One' }, { name: 'two', label: 'Two' }),
  }),
  post('_schema', { name: 'three', field: { name: 'id', type: 'id' } }, { answers: names('three') }),
  post('_schema?check_exist=true', list(TRIP), { status: 409, contains: ['trip'] }),
  post('_schema', [...plain('four'), { name: 'five', field: [{ name: 'a', type: 'array' }] }], {
    name: 'POST of several of which one is refused',
    status: 400,
    contains: ['array'],
  }),
  { name: 'makes none of them', path: '_schema/four', status: 404 },
  // --- what was made ---
  trip('/_field/goal', {
    contains: ['"label":"Destination","description":"a town"', '"type":"string"', '"length":40', '"is_unique":true'],
  }),
  trip('/_field/km', { contains: ['"alias":"distance","name":"km"', '"precision":7,"scale":1', '"is_index":true'] }),
  trip('/_field/stars', { contains: ['"default":3', '"required":false,"allow_null":false'] }),
  trip('/_field/made', { contains: [/"default":\{"expression":"current_timestamp/i] }),
  trip('/_field/person_id', {
    contains: [
      '"type":"reference"',
      /"is_foreign_key":true,"ref_table":"person","ref_field":"id","ref_on_update":"[A-Z ]+"/,
    ],
  }),
  post('_table/journey?fields=goal,distance,stars', list({ goal: 'Ulm', means: 'car', distance: 12.5 }), {
    name: 'its alias is its name',
    answers: list({ goal: 'Ulm', distance: 12.5, stars: 3 }),
  }),
  post('_table/trip', list({ goal: 'Bonn', means: 'car' }), { name: 'and its name is not', status: 404 }),
  post('_table/journey', list({ goal: 'Bonn', means: 'donkey' }), {
    name: 'what is not on the list is refused',
    status: 400,
    contains: ['by car or train'],
  }),
  post('_table/journey', list({ goal: 'Ulm', means: 'car' }), { name: 'what must be unique is', status: 400 }),
  // --- changing ---
  patch('_schema/trip', { label: 'Journey', plural: null, description: '' }, { answers: { name: 'trip' } }),
  trip('', { contains: ['"label":"Journey","description":null', '"plural":"Journeys"', '"name_field":"goal"'] }),
  post('_schema/trip', { field: [{ name: 'note', type: 'text', allow_null: true }] }, { answers: { name: 'trip' } }),
  patch('_schema?fields=name,plural', list({ name: 'trip', alias: null, plural: 'All trips' }), {
    answers: list({ name: 'trip', plural: 'All trips' }),
  }),
  {
    name: 'without the alias the name counts',
    path: '_table/trip?fields=goal,note',
    answers: list({ goal: 'Ulm', note: null }),
  },
  patch('_schema/trip/_field/goal', { label: 'Goal', description: null, picklist: ['Ulm', 'Bonn'] }, { answers: [] }),
  trip('/_field/goal', { contains: ['"label":"Goal","description":null', '"picklist":["Ulm","Bonn"]'] }),
  patch('_schema/trip/_field/goal?fields=*', { picklist: null }, { contains: [/^\{"alias":null,"name":"goal"/] }),
  patch('_schema/trip/goal', { label: 'Where to' }, { name: 'PATCH by the older path', answers: [] }),
  trip('/goal', { contains: ['"label":"Where to"', '"picklist":null'] }),
  post(
    '_schema/trip/_field',
    list({ name: 'a', type: 'integer', allow_null: true }, { name: 'b', type: 'date', allow_null: true }),
    {
      answers: [[], []],
    },
  ),
  post('_schema/trip/_field?fields=name', list({ name: 'c', type: 'text', allow_null: true, label: 'Cc' }), {
    name: 'POST of fields that shows them',
    contains: [/"name":"c"/],
  }),
  patch('_schema/trip/_field', list({ name: 'c', label: null }), { answers: [[]] }),
  put('_schema/trip/_field', list({ name: 'c', type: 'text', description: 'x' }), { answers: [[]] }),
  trip('/_field/c', { contains: ['"label":"C","description":"x"'] }),
  post('_schema/trip/_field', undefined, { name: 'POST of no fields', status: 400 }),
  drop('_schema/trip/_field/nobody'),
  drop('_schema/trip/_field?ids=a,b'),
  drop('_schema/trip/c', { name: 'DELETE by the older path' }),
  drop('_schema/trip/_field', { name: 'DELETE of no fields', status: 400, answers: expect.anything() }),
  { name: 'what is left', path: '_schema/trip/_field/c', status: 404 },
  // --- relations ---
  patch('_schema/trip/_related/person_by_person_id', { alias: 'traveller', label: 'Who' }, { answers: [] }),
  {
    name: 'a relation by its alias',
    path: '_table/trip?related=traveller&fields=goal',
    answers: list({ goal: 'Ulm', person_id: null, traveller: null }),
  },
  post(
    '_schema/one/_related',
    list({ name: 'x', type: 'belongs_to', is_virtual: true, field: 'id', ref_table: 'trip', ref_field: 'id' }),
    { answers: [[]] },
  ),
  {
    name: 'a virtual one is shown',
    path: '_schema/one/_related',
    contains: ['"name":"trip_by_id"', '"is_virtual":true'],
  },
  // --- dropping ---
  put(
    '_schema/trip',
    {
      field: [
        { name: 'id', type: 'id' },
        { name: 'means', type: 'string' },
      ],
    },
    {
      name: 'PUT drops the fields that are not named',
      answers: { name: 'trip' },
      after: ['_table/trip', list({ id: 1, means: 'car' })],
    },
  ),
  patch(
    '_schema/trip',
    { field: [{ name: 'goal', type: 'string', allow_null: true }] },
    {
      name: 'PATCH drops none',
      answers: { name: 'trip' },
      after: ['_table/trip', list({ id: 1, means: 'car', goal: null })],
    },
  ),
  trip('/goal', { name: 'what was said about a field went with it', contains: ['"label":"Goal"'] }),
  put(
    '_schema',
    list({
      name: 'trip',
      field: [
        { name: 'id', type: 'id' },
        { name: 'goal', type: 'string' },
      ],
    }),
    {
      name: 'PUT of a list does the same',
      answers: names('trip'),
      after: ['_table/trip', list({ id: 1, goal: null })],
    },
  ),
  drop('_schema', { name: 'DELETE of no tables', status: 400, answers: expect.anything() }),
  drop('_schema/person', { name: 'DELETE of a table that others refer to', status: 409, answers: expect.anything() }),
  drop('_schema/trip'),
  { name: 'a virtual relation to it went with it', path: '_schema/one/_related', answers: list() },
  post('_schema', plain('trip'), { name: 'a table of the same name', answers: names('trip') }),
  trip('', {
    name: 'has nothing of the other one',
    contains: ['{"alias":null,"name":"trip","label":"Trip","description":null', '"name_field":null'],
  }),
  drop('_schema?ids=one,two', { answers: names('one', 'two') }),
  drop('_schema?ids=three,nobody', {
    name: 'DELETE of one that is not there',
    status: 404,
    answers: expect.anything(),
  }),
  drop('_schema', {
    name: 'DELETE of a list in the body',
    body: { resource: [{ name: 'trip' }, 'three'] },
    answers: names('trip', 'three'),
  }),
  // --- what is refused, by name ---
  ...REFUSED_FIELDS.map(([why, field, word]) =>
    post(
      '_schema',
      list({
        name: 'bad',
        field: [
          { name: 'id', type: 'id' },
          { name: 'f', ...field },
        ],
      }),
      {
        name: `refused: ${why}`,
        status: 400,
        contains: ["'f'", word],
      },
    ),
  ),
  post('_schema', list({ ...plain('bad')[0], options: 'engine=x' }), {
    name: 'raw options',
    status: 400,
    contains: ["'options'"],
  }),
  { name: 'nothing of it was made', path: '_schema/bad', status: 404 },
];
