import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { RoleSchema } from '#proto/access/v1/access_pb.ts';
import { CompiledRole } from './role.ts';

type EntryInit = { service?: number; component: string; verbs: number; requestor?: number; op?: string };

function role(...entries: EntryInit[]): CompiledRole {
  return new CompiledRole(
    create(RoleSchema, {
      id: 1,
      isActive: true,
      access: entries.map(({ service, component, verbs, requestor = 1, op = 'AND' }, id) => ({
        id,
        component,
        verbMask: verbs,
        requestorMask: requestor,
        filterOp: op,
        ...(service === undefined ? {} : { serviceId: service }),
      })),
    }),
  );
}

const CASES = [
  { why: 'nothing matches: nothing is allowed', entries: [], component: '_table/a', mask: 0 },
  {
    why: 'an empty component is the root only',
    entries: [{ service: 7, component: '', verbs: 1 }],
    component: '',
    mask: 1,
  },
  {
    why: 'an empty component is not what lies below',
    entries: [{ service: 7, component: '', verbs: 1 }],
    component: '_table',
    mask: 0,
  },
  { why: '* covers the root', entries: [{ service: 7, component: '*', verbs: 3 }], component: '', mask: 3 },
  {
    why: '* covers everything below',
    entries: [{ service: 7, component: '*', verbs: 3 }],
    component: '_table/a/5',
    mask: 3,
  },
  {
    why: '_table/* covers _table itself',
    entries: [{ service: 7, component: '_table/*', verbs: 1 }],
    component: '_table',
    mask: 1,
  },
  {
    why: '_table/* covers a record',
    entries: [{ service: 7, component: '_table/*', verbs: 1 }],
    component: '_table/a/5',
    mask: 1,
  },
  {
    why: '_table/* does not cover _tables',
    entries: [{ service: 7, component: '_table/*', verbs: 1 }],
    component: '_tables',
    mask: 0,
  },
  {
    why: 'an exact component is not its records',
    entries: [{ service: 7, component: '_table/a', verbs: 1 }],
    component: '_table/a/5',
    mask: 0,
  },
  {
    why: 'a slash at the end changes nothing',
    entries: [{ service: 7, component: '/_table/a/', verbs: 1 }],
    component: '_table/a',
    mask: 1,
  },
  {
    why: 'case does not count',
    entries: [{ service: 7, component: '_Table/A', verbs: 1 }],
    component: '_table/a',
    mask: 1,
  },
  {
    why: '_table/a/* covers a',
    entries: [{ service: 7, component: '_table/a/*', verbs: 4 }],
    component: '_table/a',
    mask: 4,
  },
  {
    why: 'and not the list of tables',
    entries: [{ service: 7, component: '_table/a/*', verbs: 4 }],
    component: '_table',
    mask: 0,
  },
  {
    why: 'wildcards of any length are one class and join',
    entries: [
      { service: 7, component: '*', verbs: 1 },
      { service: 7, component: '_table/a/*', verbs: 2 },
    ],
    component: '_table/a',
    mask: 3,
  },
  {
    why: 'an exact entry replaces wildcards, even by nothing',
    entries: [
      { service: 7, component: '*', verbs: 31 },
      { service: 7, component: '_table/a', verbs: 0 },
    ],
    component: '_table/a',
    mask: 0,
  },
  {
    why: 'entries of the service hide those for all services',
    entries: [
      { component: '*', verbs: 31 },
      { service: 7, component: '_table/*', verbs: 1 },
    ],
    component: '_table/a',
    mask: 1,
  },
  {
    why: 'all services apply where nothing else does',
    entries: [{ component: '*', verbs: 31 }],
    component: '_table/a',
    mask: 31,
  },
  {
    why: 'a longer component for all services matches nothing',
    entries: [{ component: '_table/*', verbs: 31 }],
    component: '_table/a',
    mask: 0,
  },
  {
    why: 'another service is another service',
    entries: [{ service: 8, component: '*', verbs: 31 }],
    component: '',
    mask: 0,
  },
  {
    why: 'an entry for scripts is not for the API',
    entries: [{ service: 7, component: '*', verbs: 31, requestor: 2 }],
    component: '',
    mask: 0,
  },
  {
    why: 'a requestor mask of 0 grants nothing',
    entries: [{ service: 7, component: '*', verbs: 31, requestor: 0 }],
    component: '',
    mask: 0,
  },
  {
    why: 'an asterisk inside of a component is a character of its name',
    entries: [{ service: 7, component: '_table/a*b', verbs: 31 }],
    component: '_table/a',
    mask: 0,
  },
  {
    why: 'and nothing else',
    entries: [{ service: 7, component: '_table/a*b', verbs: 31 }],
    component: '_table/a*b',
    mask: 31,
  },
  {
    why: 'two asterisks are no wildcard',
    entries: [{ service: 7, component: '**', verbs: 31 }],
    component: '',
    mask: 0,
  },
  {
    why: 'for all services neither',
    entries: [
      { component: '*/', verbs: 1 },
      { component: '*x', verbs: 30 },
    ],
    component: '',
    mask: 1,
  },
];

test.each(CASES)('$why', ({ entries, component, mask }) => {
  expect(role(...entries).verbMask(7, component, 1)).toBe(mask);
});

test('the last entry of the best class gives the row conditions', () => {
  const compiled = role(
    { service: 7, component: '*', verbs: 31, op: 'a' },
    { service: 7, component: '_table/a/*', verbs: 31, op: 'b' },
    { component: '*', verbs: 31, op: 'c' },
  );
  expect(compiled.filterEntry(7, '_table/a', 1, 1)?.filterOp).toBe('b');
  expect(compiled.filterEntry(9, '_table/a', 1, 1)).toBeUndefined();
});
