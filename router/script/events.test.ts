import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { ServiceSchema } from '#proto/access/v1/access_pb.ts';
import { eventsOf } from './events.ts';

const CASES: [path: string, type: string, events: [string, string | null][]][] = [
  ['db', 'pgsql', [['db', null]]],
  ['db/_table', 'pgsql', [['db._table', null]]],
  [
    'db/_table/Todo',
    'pgsql',
    [
      ['db._table.{table_name}', 'Todo'],
      ['db._table.todo', null],
    ],
  ],
  [
    'db/_table/todo/5',
    'pgsql',
    [
      ['db._table.{table_name}.{id}', 'todo/5'],
      ['db._table.todo.{id}', '5'],
    ],
  ],
  [
    'db/_schema/todo/due',
    'pgsql',
    [
      ['db._schema.{table_name}.{field}', 'todo/due'],
      ['db._schema.{table_name}._field.{field_name}', 'todo/due'],
      ['db._schema.todo.{field}', 'due'],
      ['db._schema.todo._field.{field_name}', 'due'],
    ],
  ],
  [
    'db/_schema/todo/_field',
    'pgsql',
    [
      ['db._schema.{table_name}._field', 'todo/_field'],
      ['db._schema.todo._field', '_field'],
    ],
  ],
  [
    'db/_schema/todo/_related/r',
    'pgsql',
    [
      ['db._schema.{table_name}._related.{relationship_name}', 'todo/_related/r'],
      ['db._schema.todo._related.{relationship_name}', '_related/r'],
    ],
  ],
  [
    'db/_proc/add(1,2)',
    'pgsql',
    [
      ['db._proc.{procedure_name}', 'add'],
      ['db._proc.add', null],
    ],
  ],
  [
    'db/_table/sales (old)/1',
    'pgsql',
    [
      ['db._table.{table_name}.{id}', 'sales (old)/1'],
      ['db._table.sales (old).{id}', '1'],
    ],
  ],
  ['user/session', 'user', [['user.session', null]]],
  ['system/admin/session', 'system', [['system.admin.session', null]]],
  ['system/app', 'system', [['system.app', null]]],
  [
    'system/app/5',
    'system',
    [
      ['system.app', '5'],
      ['system.app.{id}', '5'],
    ],
  ],
  [
    'system/event_script/a.get/_test',
    'system',
    [
      ['system.event_script', 'a.get/_test'],
      ['system.event_script.{id}', 'a.get/_test'],
      ['system.event_script.{id}._test', 'a.get/_test'],
    ],
  ],
  ['mail', 'smtp_email', [['mail', null]]],
];

test.each(CASES)('%s', (path, type, events) => {
  const [name = '', ...segments] = path.split('/');
  const fired = eventsOf(create(ServiceSchema, { name, type }), segments);
  expect(fired.map((event) => [event.path, event.resource])).toEqual(events);
});

test('a script service knows its own paths, the root as empty text', () => {
  const service = create(ServiceSchema, { name: 'Hello', type: 'nodejs', script: { id: 1 } });
  expect(eventsOf(service, [])).toEqual([{ path: 'hello', resource: '' }]);
  expect(eventsOf(service, ['a', 'b'])).toEqual([{ path: 'hello', resource: 'a/b' }]);
});

test('and the paths of its document that scripts are bound to', () => {
  const service = create(ServiceSchema, { name: 'hello', type: 'nodejs', script: { id: 1 } });
  const bound = ['hello', 'hello.greet', 'hello.greet.{who}', 'hello.{what}.{who}', 'hello.part.{who}'];
  expect(eventsOf(service, ['Greet', 'Ann'], bound)).toEqual([
    { path: 'hello', resource: 'Greet/Ann' },
    { path: 'hello.greet.{who}', resource: { '{who}': 'Ann' } },
    { path: 'hello.{what}.{who}', resource: { '{what}': 'Greet', '{who}': 'Ann' } },
  ]);
  expect(eventsOf(service, ['greet'], bound).slice(1)).toEqual([{ path: 'hello.greet', resource: 'greet' }]);
  expect(eventsOf(service, [], bound)).toHaveLength(1);
  // A placeholder is a whole segment.
  expect(eventsOf(service, ['v1'], ['hello.{a{b}c}', 'hello.a{b}c', 'hello.v{n}'])).toHaveLength(1);
});
