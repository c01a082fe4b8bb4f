/** What is asked of the records and the schema of every engine, and what must be answered. */
import type { Case } from './cases.ts';

export const TABLES = [
  {
    name: 'person',
    field: [
      { name: 'id', type: 'id' },
      { name: 'name', type: 'string', size: 40, allow_null: false },
      { name: 'age', type: 'integer', allow_null: true },
      { name: 'city', type: 'string', allow_null: true },
      { name: 'active', type: 'boolean', allow_null: true },
      { name: 'balance', type: 'decimal', precision: 12, scale: 2, allow_null: true },
    ],
  },
  {
    name: 'pet',
    field: [
      { name: 'id', type: 'id' },
      { name: 'title', type: 'string', allow_null: false },
      { name: 'person_id', type: 'reference', ref_table: 'person', ref_field: 'id', allow_null: true },
    ],
  },
];

const ADA = { id: 1, name: 'Ada', age: 36, city: 'London', active: true, balance: 10.5 };
const ALAN = { id: 2, name: 'Alan', age: 41, city: 'London', active: false, balance: 0 };
const GRACE = { id: 3, name: 'Grace', age: 85, city: 'New York', active: true, balance: 1999.99 };
const NEIL = { id: 4, name: "O'Neil", age: null, city: 'Paris', active: true, balance: null };
const ZOE = { id: 5, name: 'Zoë = "7" \n', age: 29, city: 'Aix', active: null, balance: -3.25 };
const PEOPLE = [ADA, ALAN, GRACE, NEIL, ZOE];
/** As they are first written: the database gives the ids. */
export const NEW_PEOPLE = PEOPLE.map(({ id: _, ...person }) => person);
export const PETS = [
  { title: 'Rex', person_id: 1 },
  { title: 'Tom', person_id: 1 },
  { title: 'Stray', person_id: null },
];

const list = (...records: unknown[]) => ({ resource: records });
const ids = (...found: number[]) => list(...found.map((id) => ({ id })));

/** One filter, and whom it finds. */
const FILTERS: [string, ...number[]][] = [
  ['age = 36', 1],
  ['(age > 36) AND (city = London)', 2],
  ['age >= 41 or age lt 30', 2, 3, 5],
  ['(age = 36) OR (age = 41) AND (active = true)', 1],
  ['NOT (city = London)', 3, 4, 5],
  ['NOT city = London AND NOT (age = 85)', 5],
  ['age != 36', 2, 3, 5],
  ['age IS NULL', 4],
  ['age is not null', 1, 2, 3, 5],
  ["name LIKE 'A%'", 1, 2],
  ["name NOT LIKE 'A%'", 3, 4, 5],
  ['name contains la', 2],
  ['name starts with Gr', 3],
  ['name ends with ce', 3],
  ["name = 'O''Neil'", 4],
  ["name = O'Neil", 4],
  ["name = :n&params[:n]=O'Neil", 4],
  ['id IN (1, 3, 99)', 1, 3],
  ['id not in (1,3)', 2, 4, 5],
  ['age BETWEEN 36 AND 41', 1, 2],
  ["name contains '%'"],
  ['city = "Aix"', 5],
  ['active = true', 1, 3, 4],
  ['balance < 0', 5],
  ['balance = 1999.99', 3],
  ["city = 'New York'", 3],
  ['city = New York', 3],
  ['(city = London) XOR (active = true)', 2, 3, 4],
];

export const FILTER_CASES: Case[] = FILTERS.map(([filter, ...found]) => ({
  name: filter,
  path: `_table/person?fields=id&order=id&filter=${filter.replace(/%/g, '%25')}`,
  answers: ids(...found),
}));

export const READS: Case[] = [
  { name: 'all', path: '_table/person?order=id', answers: list(...PEOPLE) },
  { name: 'one by id', path: '_table/person/3', answers: GRACE },
  { name: 'no such id', path: '_table/person/77', status: 404, contains: ['77'] },
  { name: 'by ids, in their order', path: '_table/person?ids=3,1', answers: list(GRACE, ADA) },
  {
    name: 'by ids, one of them missing',
    path: '_table/person?ids=1,77,2&continue=true&fields=id',
    status: 400,
    contains: ['"code":1000', '"error":[1]', '{"id":1}', '{"id":2}'],
  },
  {
    name: 'by records in the body',
    path: '_table/person?fields=name',
    body: list({ id: 2 }, { id: 1 }),
    answers: list({ name: 'Alan' }, { name: 'Ada' }),
  },
  {
    name: 'tunnelled, all options in the body',
    method: 'POST',
    headers: { 'X-HTTP-Method': 'GET' },
    path: '_table/person',
    body: { filter: 'age > :a', params: { ':a': 40 }, fields: 'id', order: 'age desc', limit: 1 },
    answers: ids(3),
  },
  {
    name: 'tunnelled by the address',
    method: 'POST',
    path: '_table/person?method=GET&fields=id',
    body: { ids: [2, 1] },
    answers: ids(2, 1),
  },
  {
    name: 'aliases of the options',
    path: '_table/person?select=id&where=age > 30&sort=age&top=2&skip=1',
    answers: ids(2, 3),
  },
  { name: 'fields, in any case', path: '_table/person/1?fields=ID,Name', answers: { id: 1, name: 'Ada' } },
  { name: 'no fields: the key', path: '_table/person/1?fields=', answers: { id: 1 } },
  { name: 'order by two', path: '_table/person?fields=id&order=city desc,id desc', answers: ids(4, 3, 2, 1, 5) },
  { name: 'nulls first', path: '_table/person?fields=id&order=age nulls first&limit=2', answers: ids(4, 5) },
  { name: 'nulls last', path: '_table/person?fields=id&order=age desc nulls last&offset=3', answers: ids(5, 4) },
  { name: 'limit and offset', path: '_table/person?fields=id&order=id&limit=2&offset=1', answers: ids(2, 3) },
  {
    name: 'the count, and where the next page begins',
    path: '_table/person?fields=id&order=id&limit=2&offset=1&include_count=true',
    answers: { ...ids(2, 3), meta: { count: 5, next: 3 } },
  },
  {
    name: 'the last page has no next',
    path: '_table/person?fields=id&order=id&limit=2&offset=3&include_count=true',
    answers: { ...ids(4, 5), meta: { count: 5 } },
  },
  { name: 'the count alone', path: '_table/person?count_only=true&filter=age > 30', text: '3' },
  {
    name: 'grouped, with aggregates',
    path: '_table/person?group=city&fields=city,COUNT(*),SUM(age)&order=city&filter=city = London',
    // As in the original, PostgreSQL folds the names.
    contains: [/^\{"resource":\[\{"city":"London","count_all":2,"sum_age":77\}\]\}$/i],
  },
  { name: 'as a list of ids', path: '_table/person?as_list=true&id_field=id&order=id&limit=2', answers: list(1, 2) },
  { name: 'without the wrapper', path: '_table/person?ids=1&fields=id&wrap=false', answers: [{ id: 1 }] },
  {
    name: 'what belongs to it, both ways',
    path: '_table/pet?order=id&related=person_by_person_id&fields=title',
    contains: ['"title":"Rex"', '"person_by_person_id":{"id":1,"name":"Ada"'],
  },
  {
    name: 'its pets',
    path: '_table/person/1?fields=name&related=pet_by_person_id',
    contains: ['"title":"Rex"', '"Tom"'],
  },
  {
    name: 'as CSV',
    path: '_table/person?fields=id,name,city&ids=1,5',
    headers: { Accept: 'text/csv' },
    contains: ['id,name,city\n', 'Ada,London', '"Zoë = ""7"" \n"'],
  },
  {
    name: 'as XML',
    path: '_table/person?fields=id,name&ids=4',
    headers: { Accept: 'application/xml' },
    contains: ['<dfapi>', '<resource>', '<id>4</id>', 'Neil'],
  },
  { name: 'an error as XML', path: '_table/person/77', headers: { Accept: 'application/xml' }, status: 404 },
  { name: 'as a file', path: '_table/person?file=people.csv&fields=id&ids=1', contains: ['id\n'], lacks: ['{'] },
];

const ALL_IDS = '_table/person?fields=id&order=id';
const namesOf = (found: string) => `_table/person?fields=name&ids=${found}`;
const bad = { name: null, age: 1 };
const batch = (...failed: number[]) => ['"code":1000', `"context":{"error":[${failed}]`, 'Batch Error'];

export const WRITES: Case[] = [
  {
    name: 'POST one',
    method: 'POST',
    path: '_table/person',
    body: list({ name: 'New' }),
    answers: ids(6),
    after: ['_table/person/6', { id: 6, name: 'New', age: null, city: null, active: null, balance: null }],
  },
  {
    name: 'POST many, all fields back',
    method: 'POST',
    path: '_table/person?fields=id,name,balance',
    body: [{ name: 'a', balance: '12.30' }, { name: "b'; DROP TABLE person; --" }],
    answers: list({ id: 6, name: 'a', balance: 12.3 }, { id: 7, name: "b'; DROP TABLE person; --", balance: null }),
    after: ['_table/person?count_only=true', 7],
  },
  {
    name: 'POST a bare object',
    method: 'POST',
    path: '_table/person',
    body: { name: 'x' },
    status: 400,
    contains: ['resource'],
  },
  {
    name: 'POST a key of one own',
    method: 'POST',
    path: '_table/person',
    body: list({ id: 50, name: 'x' }),
    answers: ids(50),
  },
  {
    name: 'POST: the first error ends it, what came before stays',
    method: 'POST',
    path: '_table/person',
    body: [{ name: 'kept' }, bad, { name: 'never' }],
    status: 400,
    contains: [...batch(1), '"resource":[{"id":6},{"code":400'],
    after: [ALL_IDS, ids(1, 2, 3, 4, 5, 6)],
  },
  {
    name: 'POST: continue does the rest',
    method: 'POST',
    path: '_table/person?continue=true',
    body: [bad, { name: 'one' }, { ...bad }, { name: 'two' }],
    status: 400,
    contains: batch(0, 2),
    after: [`_table/person?fields=name&filter=id > 5&order=name`, list({ name: 'one' }, { name: 'two' })],
  },
  {
    name: 'POST: rollback leaves nothing',
    method: 'POST',
    path: '_table/person?rollback=true',
    body: [{ name: 'gone' }, bad],
    status: 400,
    contains: [...batch(1), 'rolled back'],
    after: [ALL_IDS, ids(1, 2, 3, 4, 5)],
  },
  {
    name: 'POST: a key that is there',
    method: 'POST',
    path: '_table/person',
    body: list({ id: 1, name: 'again' }),
    status: 400,
    contains: batch(0),
    after: ['_table/person/1', ADA],
  },
  {
    name: 'POST: both modes at once',
    method: 'POST',
    path: '_table/person?rollback=true&continue=true',
    body: [{ name: 'x' }],
    status: 400,
  },
  {
    name: 'POST an empty text: no value where none is allowed',
    method: 'POST',
    path: '_table/person?fields=city',
    body: list({ name: 'x', city: '' }),
    answers: list({ city: null }),
  },
  {
    name: 'POST one that is no list, options beside it',
    method: 'POST',
    path: '_table/person',
    body: { resource: { name: 'single', shoe: 44 }, fields: 'name,age' },
    answers: list({ name: 'single', age: null }),
  },
  { name: 'POST nothing', method: 'POST', path: '_table/person', body: list(), status: 400 },
  { name: 'POST to an id', method: 'POST', path: '_table/person/9', body: { name: 'x' }, status: 400 },
  {
    name: 'PATCH by id',
    method: 'PATCH',
    path: '_table/person/2',
    body: { age: 42 },
    answers: { id: 2 },
    after: ['_table/person/2', { ...ALAN, age: 42 }],
  },
  {
    name: 'PUT by id keeps what is not named',
    method: 'PUT',
    path: '_table/person/2?fields=*',
    body: { city: null },
    answers: { ...ALAN, city: null },
  },
  {
    name: 'PATCH many',
    method: 'PATCH',
    path: '_table/person',
    body: list({ id: 1, name: 'A' }, { id: 3, name: 'G' }),
    answers: ids(1, 3),
    after: [namesOf('1,3'), list({ name: 'A' }, { name: 'G' })],
  },
  {
    name: 'PATCH by ids',
    method: 'PATCH',
    path: '_table/person?ids=1,2',
    body: list({ name: 'same' }),
    answers: ids(1, 2),
    after: [namesOf('1,2,3'), list({ name: 'same' }, { name: 'same' }, { name: 'Grace' })],
  },
  {
    name: 'PATCH by filter',
    method: 'PATCH',
    path: '_table/person?filter=city = London',
    body: list({ age: 7 }),
    answers: ids(1, 2),
    after: ['_table/person?count_only=true&filter=age = 7', 2],
  },
  { name: 'PATCH an id that is not there', method: 'PATCH', path: '_table/person/77', body: { age: 1 }, status: 404 },
  {
    name: 'PATCH: rollback undoes the first',
    method: 'PATCH',
    path: '_table/person?rollback=true',
    body: list({ id: 1, name: 'x' }, { id: 77, name: 'y' }),
    status: 400,
    contains: batch(1),
    after: ['_table/person/1', ADA],
  },
  {
    name: 'PATCH with a key that no record has',
    method: 'PATCH',
    path: '_table/person',
    body: list({ name: 'x' }),
    status: 400,
  },
  {
    name: 'DELETE by id',
    method: 'DELETE',
    path: '_table/person/5',
    answers: { id: 5 },
    after: [ALL_IDS, ids(1, 2, 3, 4)],
  },
  {
    name: 'DELETE by ids, fields as they were',
    method: 'DELETE',
    path: '_table/person?ids=4,5&fields=id,city',
    answers: list({ id: 4, city: 'Paris' }, { id: 5, city: 'Aix' }),
    after: [ALL_IDS, ids(1, 2, 3)],
  },
  {
    name: 'PUT many',
    method: 'PUT',
    path: '_table/person?fields=id,city',
    body: [
      { id: 2, city: 'Bath' },
      { id: 1, city: 'Rome' },
    ],
    answers: list({ id: 2, city: 'Bath' }, { id: 1, city: 'Rome' }),
  },
  {
    name: 'PATCH by ids, one of them missing, continue',
    method: 'PATCH',
    path: '_table/person?ids=1,77,3&continue=true',
    body: [{ age: 1 }],
    status: 400,
    contains: batch(1),
    after: ['_table/person?fields=id&order=id&filter=age = 1', ids(1, 3)],
  },
  {
    name: 'PATCH with nothing that the table has',
    method: 'PATCH',
    path: '_table/person/1',
    body: { shoe: 44 },
    answers: { id: 1 },
  },
  {
    name: 'MERGE is PATCH',
    method: 'POST',
    path: '_table/person/1',
    headers: { 'X-Method-Override': 'MERGE' },
    body: { age: 37 },
    answers: { id: 1 },
    after: ['_table/person/1', { ...ADA, age: 37 }],
  },
  {
    name: 'DELETE tunnelled, ids in the body',
    method: 'POST',
    path: '_table/person',
    headers: { 'X-HTTP-Method-Override': 'DELETE' },
    body: { ids: [4, 5] },
    answers: ids(4, 5),
    after: [ALL_IDS, ids(1, 2, 3)],
  },
  {
    name: 'DELETE: rollback undoes the first',
    method: 'DELETE',
    path: '_table/person?ids=5,77&rollback=true',
    status: 400,
    contains: batch(1),
    after: [ALL_IDS, ids(1, 2, 3, 4, 5)],
  },
  {
    name: 'DELETE everything, by force',
    method: 'DELETE',
    path: '_table/pet?force=true',
    answers: { success: true },
    after: ['_table/pet?count_only=true', 0],
  },
  { name: 'DELETE records', method: 'DELETE', path: '_table/person', body: list({ id: 4 }), answers: ids(4) },
  {
    name: 'DELETE by filter',
    method: 'DELETE',
    path: '_table/person?filter=age < 30',
    answers: ids(5),
    after: [ALL_IDS, ids(1, 2, 3, 4)],
  },
  {
    name: 'DELETE: continue deletes the others',
    method: 'DELETE',
    path: '_table/person?ids=77,5&continue=true',
    status: 400,
    contains: batch(0),
    after: [ALL_IDS, ids(1, 2, 3, 4)],
  },
  {
    name: 'DELETE with nothing named',
    method: 'DELETE',
    path: '_table/person',
    status: 400,
    after: [ALL_IDS, ids(1, 2, 3, 4, 5)],
  },
  {
    name: 'DELETE a row that others refer to',
    method: 'DELETE',
    path: '_table/person/1',
    status: 409,
    after: ['_table/person/1', ADA],
  },
  {
    name: 'POST CSV',
    method: 'POST',
    path: '_table/person',
    headers: { 'Content-Type': 'text/csv' },
    body: 'name,age\n"Quo""ted, x",3\nplain,\n',
    answers: ids(6, 7),
    after: [
      '_table/person?fields=name,age&ids=6,7',
      list({ name: 'Quo"ted, x', age: 3 }, { name: 'plain', age: null }),
    ],
  },
  {
    name: 'POST XML',
    method: 'POST',
    path: '_table/person',
    headers: { 'Content-Type': 'application/xml' },
    body: '<resource><name>a &amp; b</name><age>3</age></resource>',
    answers: ids(6),
    after: ['_table/person?fields=name,age&ids=6', list({ name: 'a & b', age: 3 })],
  },
];

/** Of a service that shows three records at once. */
export const PAGES: Case[] = [
  {
    name: 'more than it shows: the count, and where the rest begins',
    path: '_table/person?fields=id&order=id',
    answers: { ...ids(1, 2, 3), meta: { count: 5, next: 3 } },
  },
  {
    name: 'the rest',
    path: '_table/person?fields=id&order=id&offset=3',
    answers: { ...ids(4, 5), meta: { count: 5 } },
  },
  {
    name: 'more than it shows, asked for',
    path: '_table/person?fields=id&order=id&limit=4',
    answers: { ...ids(1, 2, 3), meta: { count: 5, next: 3 } },
  },
  { name: 'less than it shows', path: '_table/person?fields=id&order=id&limit=2', answers: ids(1, 2) },
];

/** To a service that allows it. */
export const UPSERTS: Case[] = [
  {
    name: 'PUT inserts',
    method: 'PUT',
    path: '_table/person/60',
    body: { name: 'sixty' },
    answers: { id: 60 },
    after: ['_table/person/60?fields=name', { name: 'sixty' }],
  },
  {
    name: 'PATCH of several inserts one and updates the other',
    method: 'PATCH',
    path: '_table/person',
    body: list({ id: 1, name: 'A' }, { id: 61, name: 'B' }),
    answers: ids(1, 61),
    after: [namesOf('1,61'), list({ name: 'A' }, { name: 'B' })],
  },
];

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
