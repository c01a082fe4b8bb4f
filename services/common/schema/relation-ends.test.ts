import { expect, test } from 'vitest';
import { COMPANY, column, foreignKey, primaryKey, table } from '../testing/catalogue.ts';
import { applyExtras, type RelationView } from './extras.ts';
import { endsOf, findEnds } from './relation-ends.ts';

const view = applyExtras(
  {
    tables: [
      ...COMPANY.tables,
      table('pair', [column('a'), column('b')], [primaryKey('pk', 'a', 'b')]),
      table(
        'of_pair',
        [column('x'), column('y'), column('dept_id')],
        [foreignKey('fk', ['x', 'y'], 'pair', ['a', 'b']), foreignKey('fk_dept', ['dept_id'], 'dept', ['id'])],
      ),
    ],
  },
  [],
  1,
);
const relation = (owner: string, name: string): RelationView => {
  const found = view.byName.get(owner)?.byRelationName.get(name);
  if (!found) throw new Error(`'${owner}' has only ${view.byName.get(owner)?.relations.map((one) => one.name)}`);
  return found;
};
const ends = (owner: string, one: RelationView): unknown => {
  const { local, far, target, junction } = endsOf(one, view.byName.get(owner)!, view);
  const between = junction && [junction.near.name, junction.table.name, junction.link.name];
  return [local.name, ...(between ?? []), far.name, target.name];
};

test.each([
  ['emp', 'dept_by_dept_id', ['dept_id', 'dept', 'id']],
  ['dept', 'emp_by_dept_id', ['id', 'emp', 'dept_id']],
  ['emp', 'emp_by_boss_id', ['id', 'emp', 'boss_id']],
  ['emp', 'project_by_emp_project', ['id', 'emp_id', 'emp_project', 'project_id', 'project', 'id']],
])('%s: %s', (owner, name, wanted) => {
  expect(ends(owner, relation(owner, name))).toEqual(wanted);
});

test.each([
  ['keys of several columns', 'of_pair', relation('of_pair', 'pair_by_x_y'), 'unsupported'],
  ['through keys of several columns', 'dept', relation('dept', 'pair_by_of_pair'), 'unsupported'],
  ['back through them', 'pair', relation('pair', 'dept_by_of_pair'), 'unsupported'],
  ['to a table that is gone', 'emp', { ...relation('emp', 'dept_by_dept_id'), refTable: 'gone' }, 'invalid'],
  ['to a field that is gone', 'emp', { ...relation('emp', 'dept_by_dept_id'), refFields: ['gone'] }, 'invalid'],
  ['from a field that is gone', 'emp', { ...relation('emp', 'dept_by_dept_id'), fields: ['gone'] }, 'invalid'],
  [
    'through a table that is gone',
    'emp',
    { ...relation('emp', 'project_by_emp_project'), junction: { table: 'gone', fields: ['a'], refFields: ['b'] } },
    'invalid',
  ],
])('not %s', (_, owner, one, code) => {
  expect(() => ends(owner, one as RelationView)).toThrow(expect.objectContaining({ code }));
  expect(findEnds(one as RelationView, view.byName.get(owner)!, view)).toBeUndefined();
});
