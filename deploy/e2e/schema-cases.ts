/** What is asked of the schema of every engine. */
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
