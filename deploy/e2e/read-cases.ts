/** What is asked of the records of every engine, and what must be answered. */
import type { Case } from './cases.ts';
import { ADA, GRACE, ids, list, PEOPLE } from './people.ts';

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

const STRICT = { Prefer: 'handling=strict' };
const token = (...values: string[]): string => Buffer.from(JSON.stringify(values)).toString('base64url');

export const MORE_READS: Case[] = [
  {
    name: 'groups of which there are some',
    path: '_table/person?group=city&fields=city,COUNT(*)&having=COUNT_ALL > 1',
    contains: ['London', ':2}'],
    lacks: ['Paris', 'Aix'],
  },
  {
    name: 'groups by an aggregate and a field',
    path: `_table/person?group=city&fields=city&order=city&having=${encodeURIComponent('"MAX(age)" >= 29 and city != :c')}&params[:c]=London`,
    answers: list({ city: 'Aix' }, { city: 'New York' }),
  },
  { name: 'having without a group', path: '_table/person?having=COUNT_ALL > 1', status: 400, contains: ['group'] },
  {
    name: 'having a field that is in no group',
    path: '_table/person?group=city&fields=city&having=name = 1',
    status: 400,
    contains: ["'name'"],
  },
  { name: 'having a text', path: '_table/person?group=city&fields=city&having=COUNT_ALL > x', status: 400 },
  {
    name: 'the first page by key',
    path: '_table/person?fields=id&limit=2&after=',
    answers: { ...ids(1, 2), meta: { next_after: token('2') } },
  },
  {
    name: 'the next page by key',
    path: `_table/person?fields=name&limit=2&after=${token('2')}`,
    answers: { ...list({ name: GRACE.name }, { name: "O'Neil" }), meta: { next_after: token('4') } },
  },
  { name: 'the last page by key', path: `_table/person?fields=id&limit=2&after=${token('4')}`, answers: ids(5) },
  {
    name: 'pages by another order, backwards',
    path: `_table/person?fields=id&limit=2&order=name desc&after=${token("O'Neil", '4')}`,
    answers: { ...ids(3, 2), meta: { next_after: token('Alan', '2') } },
  },
  {
    name: 'pages with a filter and a count',
    path: `_table/person?fields=id&limit=1&include_count=true&filter=id > 1&after=${token('2')}`,
    answers: { ...ids(3), meta: { count: 4, next_after: token('3') } },
  },
  {
    name: 'pages with what is related',
    path: '_table/person?fields=id&limit=1&related=pet_by_person_id&pet_by_person_id.fields=id&after=',
    answers: { ...list({ id: 1, pet_by_person_id: [{ id: 1 }, { id: 2 }] }), meta: { next_after: token('1') } },
  },
  { name: 'pages by what may be NULL', path: '_table/person?order=age&after=', status: 400, contains: ["'age'"] },
  { name: 'a page behind nonsense', path: '_table/person?after=nonsense', status: 400, contains: ["'after'"] },
  { name: 'a page of another list', path: `_table/person?after=${token('1', '2')}`, status: 400 },
  { name: 'a page behind no number', path: `_table/person?after=${token('x')}`, status: 400 },
  { name: 'after and offset', path: '_table/person?offset=1&after=', status: 400 },
  { name: 'an unknown option', path: '_table/person?fields=id&limt=2', answers: ids(1, 2, 3, 4, 5) },
  {
    name: 'an unknown option, strictly',
    path: '_table/person?fields=id&limt=2&sotr=id',
    headers: STRICT,
    status: 400,
    contains: ["'limt'", "'sotr'"],
  },
  {
    name: 'known options, strictly',
    path: '_table/person?select=id&top=1&related=pet_by_person_id&pet_by_person_id.fields=id',
    headers: STRICT,
  },
  {
    name: 'an unknown relation, strictly',
    path: '_table/person?related=nosuch',
    headers: STRICT,
    status: 400,
    contains: ["'nosuch'"],
  },
];
