import { EventEmitter } from 'node:events';
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import {
  RoleSchema,
  SchemaExtraSchema,
  Scope,
  ServiceSchema,
  type Update,
  UserSchema,
  WatchRequestSchema,
} from '#proto/access/v1/access_pb.ts';
import { EMPTY_SNAPSHOT, type Snapshot } from './snapshot.ts';
import { type WatchCall, Watcher } from './watcher.ts';

/** A stream whose other end reads only when it is told to. */
function slowStream(scope: Scope, types: string[] = []) {
  const events = new EventEmitter();
  const written: Update[] = [];
  const request = create(WatchRequestSchema, { scope, serviceTypes: types.map((name) => ({ name })) });
  const call = {
    request,
    cancelled: false,
    write: (update: Update) => {
      written.push(update);
      return false;
    },
    on: events.on.bind(events),
    end: () => {},
  };
  return { watcher: new Watcher(call as unknown as WatchCall), written, read: () => events.emit('drain') };
}

const role = (id: number, name: string) => create(RoleSchema, { id, name });
const withRoles = (...roles: ReturnType<typeof role>[]): Snapshot => ({
  ...EMPTY_SNAPSHOT,
  roles: new Map(roles.map((entity) => [entity.id, entity])),
});

test('a slow watcher gets one difference for all that it has missed', () => {
  const { watcher, written, read } = slowStream(Scope.ROUTER);
  const kept = role(1, 'kept');
  watcher.offer(withRoles(kept, role(2, 'goes')), 1);
  for (let version = 2; version < 100; version++) watcher.offer(withRoles(kept, role(3, `new ${version}`)), version);
  expect(written).toHaveLength(1);
  read();
  expect(written).toHaveLength(2);
  expect(written[1]).toMatchObject({
    version: 99n,
    full: false,
    roles: [{ id: 3, name: 'new 99' }],
    removals: [{ id: 2 }],
  });
  read();
  expect(written).toHaveLength(2);
});

test('the first update is full even where there is nothing', () => {
  const { watcher, written } = slowStream(Scope.ROUTER);
  watcher.offer(EMPTY_SNAPSHOT, 7);
  expect(written).toMatchObject([{ full: true, version: 7n }]);
});

test.each([
  [Scope.ROUTER, [], { services: [{ id: 1 }, { id: 2 }], users: [{ id: 1 }], schemaExtras: [{ id: 2 }] }],
  [
    Scope.CONNECTOR,
    ['pgsql'],
    { services: [{ id: 1, configJson: Buffer.from('{}') }], users: [], schemaExtras: [{ id: 1 }] },
  ],
  [Scope.CONNECTOR, ['mongodb'], { services: [], users: [], schemaExtras: [] }],
  [Scope.UNSPECIFIED, ['pgsql'], { services: [], users: [], schemaExtras: [] }],
])('scope %s of types %j', (scope, types, expected) => {
  const { watcher, written } = slowStream(scope, types);
  const pgsql = { id: 1, type: 'pgsql' };
  const rows = create(ServiceSchema, { id: 2, type: 'sqlite' });
  watcher.offer(
    {
      ...EMPTY_SNAPSHOT,
      services: new Map([
        [1, create(ServiceSchema, pgsql)],
        [2, rows],
      ]),
      connections: new Map([
        [1, create(ServiceSchema, { ...pgsql, configJson: Buffer.from('{}') })],
        [2, rows],
      ]),
      users: new Map([[1, create(UserSchema, { id: 1 })]]),
      schemaExtras: new Map([
        [1, create(SchemaExtraSchema, { id: 1, serviceId: 1 })],
        [2, create(SchemaExtraSchema, { id: 2, serviceId: 2 })],
      ]),
      creatorFields: new Map([[2, create(SchemaExtraSchema, { id: 2, serviceId: 2 })]]),
    },
    1,
  );
  expect(written[0]).toMatchObject(expected);
});
