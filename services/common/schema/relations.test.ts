import { expect, test } from 'vitest';
import { COMPANY, column, foreignKey, idColumn, primaryKey, table, unique } from '../testing/catalogue.ts';
import { discoverRelations } from './relations.ts';

const outline = (tables: Parameters<typeof discoverRelations>[0], name: string) =>
  discoverRelations(tables)
    .get(name)
    ?.map(({ name: own, type, fields, refTable, refFields, junction }) =>
      [own, type, fields.join(), refTable, refFields.join(), junction && Object.values(junction).join(' ')].join(' | '),
    );

test('what a table refers to comes first, then what refers to it', () => {
  expect(outline(COMPANY, 'emp_project')).toEqual([
    'emp_by_emp_id | belongs_to | emp_id | emp | id | ',
    'project_by_project_id | belongs_to | project_id | project | id | ',
  ]);
  expect(outline(COMPANY, 'project')).toEqual([
    'emp_by_emp_project | many_many | id | emp | id | emp_project project_id emp_id',
    'emp_project_by_project_id | has_many | id | emp_project | project_id | ',
  ]);
  expect(outline(COMPANY, 'dept')).toEqual([
    'emp_by_emp | many_many | id | emp | id | emp dept_id boss_id',
    'emp_by_dept_id | has_many | id | emp | dept_id | ',
  ]);
});

test('a reference to itself is has_many, at the place of belongs_to', () => {
  expect(outline(COMPANY, 'emp')).toEqual([
    'dept_by_dept_id | belongs_to | dept_id | dept | id | ',
    'emp_by_boss_id | has_many | id | emp | boss_id | ',
    'project_by_emp_project | many_many | id | project | id | emp_project emp_id project_id',
    'emp_project_by_emp_id | has_many | id | emp_project | emp_id | ',
    'dept_by_emp | many_many | id | dept | id | emp boss_id dept_id',
  ]);
});

test('the rules of a key go along', () => {
  const relation = discoverRelations(COMPANY)
    .get('project')
    ?.find(({ type }) => type === 'has_many');
  expect(relation).toMatchObject({ onUpdate: 'NO ACTION', onDelete: 'CASCADE' });
});

test('one child at most, several columns, other schemas', () => {
  const user = table('user', [column('a'), column('b')], [primaryKey('p', 'a', 'b')]);
  const key = foreignKey('f', ['x', 'y'], 'user', ['a', 'b']);
  const profile = table('hr.profile', [column('x'), column('y')], [unique('u', 'y', 'x'), key]);
  const log = table('hr.log', [idColumn(), column('x'), column('y')], [key]);
  const catalogue = { tables: [user, profile, log] };
  expect(outline(catalogue, 'user')).toEqual([
    'hr.profile_by_x_y | has_one | a,b | hr.profile | x,y | ',
    'hr.log_by_x_y | has_many | a,b | hr.log | x,y | ',
  ]);
  expect(outline(catalogue, 'hr.profile')).toEqual(['user_by_x_y | belongs_to | x,y | user | a,b | ']);
});

test('two ways from a junction to the same table are no many_many', () => {
  const user = table('user', [idColumn()], [primaryKey('p', 'id')]);
  const friend = table(
    'friend',
    [column('a'), column('b')],
    [foreignKey('f', ['a'], 'user', ['id']), foreignKey('g', ['b'], 'user', ['id'])],
  );
  expect(outline({ tables: [user, friend] }, 'user')).toEqual([
    'friend_by_a | has_many | id | friend | a | ',
    'friend_by_b | has_many | id | friend | b | ',
  ]);
});
