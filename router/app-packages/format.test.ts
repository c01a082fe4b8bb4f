import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { containerOf, readAppPackage, recordIn } from './format.ts';

test.each([
  ['My first app', 'MyFirstApp'],
  ['tasks', 'Tasks'],
  ['to-do_list 2', 'ToDoList2'],
  ['été à Köln', 'ÉtéÀKöln'],
  ['../..', ''],
])('%s is kept in %s', (name, folder) => {
  expect(containerOf(name)).toBe(folder);
});

test.each([
  [{ name: 'a' }, { name: 'a', type: 0, is_active: true, url: 'index.html' }],
  [
    { name: 'a', api_name: 'b', active: false },
    { name: 'b', is_active: false },
  ],
  [{ name: 'a', is_active: false, active: true }, { is_active: false }],
  [
    { name: 'a', type: 1, path: 'x.html', toggle_location: 'bottom' },
    { type: 1, path: 'x.html', toggle_location: 'bottom' },
  ],
])('%j is the record %j', (description, record) => {
  expect(recordIn(description)).toMatchObject(record);
});

test('what a description says of keys, roles and places does not count', () => {
  const record = recordIn({ name: 'a', id: 7, api_key: 'k', role_id: 1, storage_service_id: 9, launch_url: 'x' });
  expect(Object.keys(record).sort()).toEqual(['is_active', 'name', 'type', 'url']);
});

test.each([[{}], [{ name: '' }], [{ name: 7 }], [{ name: 'a', type: 1 }], [{ name: 'a', type: 3, path: '' }]])(
  '%j is refused',
  (description) => {
    expect(() => recordIn(description)).toThrow(/package/);
  },
);

const packed = (files: Record<string, unknown>) =>
  zipSync(Object.fromEntries(Object.entries(files).map(([name, json]) => [name, Buffer.from(JSON.stringify(json))])));

test('members are told from files of the application', async () => {
  const table = [{ name: 't' }];
  const read = await readAppPackage(
    packed({
      ...{
        'app.json': { name: 'a' },
        'services.json': [{ name: 's' }],
        'schema.json': { service: [{ name: 's', table }] },
      },
      ...{ 'index.html': 1, 'assets/data.json': 2 },
    }),
  );
  expect(read).toMatchObject({ services: [{ name: 's' }], schema: [{ name: 's', tables: table }], data: [] });
  expect([...read.files.keys()]).toEqual(['index.html', 'assets/data.json']);
});

test.each([
  ['services.json', { 'app.json': { name: 'a' }, 'services.json': 'x' }],
  ['schema.json', { 'app.json': { name: 'a' }, 'schema.json': { service: [{}] } }],
  ['app.json', { 'app.json': [] }],
])('%s that is something else is refused', async (name, files) => {
  await expect(readAppPackage(packed(files))).rejects.toThrow(name);
});
