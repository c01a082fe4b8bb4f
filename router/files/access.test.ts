/** What a role allows is allowed for every path that a call touches, whoever names it. */
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PathRules } from '#common/files/rules.ts';
import { RoleSchema } from '#proto/access/v1/access_pb.ts';
import { CompiledRole } from '../decide/role.ts';
import { ADMIN, principalIn, stateWithRole } from '../testing/access.ts';
import { FILES, fileRule, json, Served } from '../testing/files.ts';
import { rulesOf } from './rules.ts';

const GET = 1;
const POST = 2;
const PUT = 4;
const DELETE = 16;
const SERVICE = { id: FILES, name: 'files', type: 'local_file', isActive: true, tier: 'storage' };

const JSON_TYPE = { 'content-type': 'application/json' };
const items = (...resource: readonly object[]): string => JSON.stringify({ resource });

const ADDRESSED = [
  { rules: [fileRule('docs/*', GET)], method: 'GET', target: '/docs/', status: 200 },
  { rules: [fileRule('docs/*', GET)], method: 'GET', target: '/DOCS/a.txt', status: 404 },
  { rules: [fileRule('docs/*', GET)], method: 'GET', target: '/docs//a.txt', status: 200 },
  { rules: [fileRule('docs/*', GET)], method: 'GET', target: '/docs%2fa.txt', status: 200 },
  { rules: [fileRule('docs/a.txt', GET)], method: 'GET', target: '/docs/a.txt', status: 200 },
  { rules: [fileRule('docs/a.txt', GET)], method: 'GET', target: '/docs/d.json', status: 403 },
  { rules: [fileRule('docs', GET)], method: 'GET', target: '/docs/', status: 200 },
  { rules: [fileRule('docs', GET)], method: 'GET', target: '/docs/a.txt', status: 403 },
  { rules: [fileRule('docs/*', GET)], method: 'GET', target: '/', status: 403 },
  { rules: [fileRule('docs/*', GET)], method: 'HEAD', target: '/docs/a.txt', status: 200 },
  { rules: [fileRule('docs/*', GET)], method: 'POST', target: '/docs/x', status: 403 },
  { rules: [fileRule('docs/*', POST)], method: 'PUT', target: '/docs/x', status: 403 },
  { rules: [fileRule('docs/*', PUT)], method: 'PUT', target: '/docs/x', status: 201 },
  { rules: [fileRule('docs/*', GET)], method: 'GET', target: '/_schema', status: 403 },
  { rules: [fileRule('_func/a', GET)], method: 'GET', target: '/_func/a(b)', status: 403 },
];
test.each(ADDRESSED)('$method $target is answered $status', async ({ rules, method, target, status }) => {
  expect((await new Served(rules).send(method, target)).status).toBe(status);
});

test('a listing holds what the role may read', async () => {
  const served = new Served([fileRule('*', GET), fileRule('deep', 0)]);
  expect(json(await served.send('GET', '/?as_list=true'))).toEqual({ resource: ['docs/'] });
});

const NAMED = [
  { why: 'a copy from where nothing may be read', item: { name: 'x', type: 'file', source_path: 'docs/a.txt' } },
  { why: 'a copy to where nothing may be written', item: { name: '../docs/x', type: 'file', source_path: 'deep/x' } },
  {
    why: 'a move whose source may only be read',
    item: { name: 'y', type: 'file', source_path: 'read/x', delete_source: 1 },
  },
  { why: 'a content below a closed folder', item: { name: 'closed/x', type: 'file', content: 'x' } },
  { why: 'a closed folder', item: { name: 'closed', type: 'folder' } },
];
test.each(NAMED)('$why fails alone', async ({ item }) => {
  const served = new Served([
    fileRule('deep/*'),
    fileRule('deep/closed', GET),
    fileRule('deep/closed/x', GET),
    fileRule('read/*', GET),
  ]);
  const body = items(item, { name: 'fine', type: 'folder' });
  const answer = await served.send('POST', '/deep/', { body, headers: JSON_TYPE });
  const { resource } = json(answer) as { resource: { error?: object }[] };
  expect([answer.status, resource.map(({ error }) => error !== undefined)]).toEqual([201, [true, false]]);
  expect(served.store.calls).toEqual(['makeFolder deep/fine']);
});

test('each path of a list of removals is decided upon', async () => {
  const served = new Served([fileRule('', 31), fileRule('docs/*', GET), fileRule('deep/*', DELETE)]);
  const body = items({ type: 'file', path: 'docs/a.txt' }, { type: 'folder', path: 'deep/er' });
  const answer = await served.send('DELETE', '/', { body, headers: JSON_TYPE });
  expect(json(answer)).toMatchObject({ resource: [{ error: {} }, { path: 'deep/er/' }] });
  expect(served.store.paths).toEqual(['deep', 'docs', 'docs/a.txt', 'docs/d.json']);
});

const HEADERS: readonly (readonly [Record<string, string>, string, number])[] = [
  [{ 'x-file-name': 'er/x.txt' }, '/deep/', 403],
  [{ 'x-file-name': 'x.txt' }, '/deep/', 201],
  [{ 'x-folder-name': 'er/x' }, '/deep/', 403],
  [{}, '/deep/?url=http://h.example/x&filename=er/x', 403],
];
test.each(HEADERS)('%j at %s is answered %i', async (headers, target, status) => {
  const served = new Served([fileRule('deep/*'), fileRule('deep/er/x.txt', GET), fileRule('deep/er/x', GET)]);
  expect((await served.send('POST', target, { headers })).status).toBe(status);
});

test('an administrator has no rules', () => {
  expect(rulesOf(ADMIN, SERVICE as never)).toBeUndefined();
});

test('whoever has no role may do nothing', () => {
  const rules = new PathRules(rulesOf({ ...principalIn(stateWithRole([])), role: undefined }, SERVICE as never));
  expect(rules.allows('a', GET)).toBe(false);
});

test('the storage tier decides as the router does, whatever the role', () => {
  const name = fc.constantFrom('a', 'B', 'a b', 'é', '*', 'a*');
  const path = fc.array(name, { maxLength: 4 }).map((names) => names.join('/'));
  const component = fc
    .tuple(fc.constantFrom('', '/'), path, fc.constantFrom('', '/', '*', '/*'))
    .map((all) => all.join(''));
  const access = fc.record({
    serviceId: fc.constantFrom(FILES, FILES, 8, undefined),
    component,
    verbMask: fc.nat(31),
    requestorMask: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(access, { maxLength: 6 }), path, fc.constantFrom(1, 2), (entries, asked, requestor) => {
      const role = new CompiledRole(create(RoleSchema, { isActive: true, access: entries as never }));
      const principal = { ...principalIn(stateWithRole([])), role, requestor };
      const rules = new PathRules(rulesOf(principal, SERVICE as never));
      const mask = role.verbMask(FILES, asked.toLowerCase(), requestor);
      for (const bit of [GET, POST, PUT, 8, DELETE]) expect(rules.allows(asked, bit)).toBe((mask & bit) !== 0);
    }),
    { numRuns: 2000 },
  );
});
