import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { Removal_Kind, UpdateSchema } from '#proto/access/v1/access_pb.ts';
import { CallerSchema, Script_Kind, ScriptKeySchema } from '#proto/script/v1/script_pb.ts';
import { PushedScripts } from './store.ts';

type Init = MessageInitShape<typeof UpdateSchema>;

function storeOf(init: Init = {}) {
  const store = new PushedScripts();
  const push = (more: Init): void => store.apply(create(UpdateSchema, more));
  push({ full: true, ...init } as Init);
  return { store, push };
}
const event = (id: number, hash: bigint, name = `event-${id}`) => ({
  id,
  name,
  script: { kind: Script_Kind.EVENT, id, hash, name, content: `// ${hash}` },
});
const key = (id: number, hash: bigint, kind: Script_Kind = Script_Kind.EVENT) =>
  create(ScriptKeySchema, { kind, id, hash });
const soon = () => Deadline.after(60);

test('a script is found by its version, and by its name', () => {
  const { store } = storeOf({ eventScripts: [event(1, 7n, 'a')] });
  expect(store.find(key(1, 7n), soon())).toMatchObject({ content: '// 7' });
  expect(store.byName('a')?.id).toBe(1);
  expect(store.size).toBe(1);
});

test('one that routers know already is waited for', async () => {
  const { store, push } = storeOf({ eventScripts: [event(1, 7n)] });
  const found = store.find(key(1, 8n), Deadline.after(5000));
  push({ lookups: [{ id: 1, name: 'x' }] });
  push({ eventScripts: [event(1, 8n)] });
  expect(await found).toMatchObject({ content: '// 8' });
});

test('where none comes, the one that is there counts; or none', async () => {
  const { store } = storeOf({ eventScripts: [event(1, 7n)] });
  expect(await store.find(key(1, 6n), soon())).toMatchObject({ content: '// 7' });
  expect(await store.find(key(2, 1n), soon())).toBeUndefined();
  expect(await store.find(key(1, 7n, Script_Kind.SERVICE), soon())).toBeUndefined();
});

test('what is removed, or is not in a full update, is gone, by its name as well', async () => {
  const { store, push } = storeOf({ eventScripts: [event(1, 7n, 'a'), event(2, 7n, 'b')] });
  push({ removals: [{ kind: Removal_Kind.EVENT_SCRIPT, id: 1 }] });
  expect([store.byName('a'), store.byName('b')?.id]).toEqual([undefined, 2]);
  push({ full: true, services: [{ id: 2, script: { kind: Script_Kind.SERVICE, id: 2, hash: 1n, name: 'b' } }] });
  expect([store.size, store.byName('b')]).toEqual([1, undefined]);
});

test('lookups: private ones as well, the nearest counts, those of others never', () => {
  const lookups = [
    { id: 1, name: 'x', value: 'system', isPrivate: true },
    { id: 2, name: 'x', value: 'app', appId: 4 },
    { id: 3, name: 'x', value: 'user', userId: 5 },
    { id: 4, name: 'y', value: 'role', roleId: 3 },
  ];
  const { store } = storeOf({ lookups });
  const of = (init: object) => store.lookups(create(CallerSchema, init));
  expect(of({})).toEqual({ x: { value: 'system', isPrivate: true } });
  expect(of({ appId: 4, roleId: 3 })).toEqual({
    x: { value: 'app', isPrivate: false },
    y: { value: 'role', isPrivate: false },
  });
  expect(of({ userId: 5, appId: 4 })['x']?.value).toBe('user');
});
