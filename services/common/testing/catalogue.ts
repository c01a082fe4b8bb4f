/** Catalogues written down in a few words, for tests. */
import type { Catalogue, Column, Constraint, Table } from '../schema/catalogue.ts';
import { applyExtras, type FieldView } from '../schema/extras.ts';

export const column = (name: string, part: Partial<Column> = {}): Column => ({
  name,
  type: 'integer',
  dbType: 'integer',
  nativeType: 'int4',
  json: 'number',
  length: null,
  precision: null,
  scale: null,
  default: null,
  nullable: true,
  autoIncrement: false,
  generated: false,
  fixedLength: false,
  multibyte: false,
  primaryKey: false,
  unique: false,
  indexed: false,
  foreignKey: null,
  ...part,
});

export const idColumn = (name = 'id'): Column =>
  column(name, { type: 'id', autoIncrement: true, primaryKey: true, nullable: false });

export const textColumn = (name: string, part: Partial<Column> = {}): Column =>
  column(name, { type: 'string', dbType: 'text', nativeType: 'text', json: 'string', ...part });

export const primaryKey = (name: string, ...columns: string[]): Constraint => ({ name, type: 'PRIMARY KEY', columns });
export const unique = (name: string, ...columns: string[]): Constraint => ({ name, type: 'UNIQUE', columns });

/** `foreignKey('emp_fk', ['dept_id'], 'dept', ['id'])` */
export const foreignKey = (
  name: string,
  columns: readonly string[],
  target: string,
  referenced: readonly string[],
  onDelete = 'NO ACTION',
): Constraint => ({
  name,
  type: 'FOREIGN KEY',
  columns,
  referenced: { table: target, columns: referenced, onUpdate: 'NO ACTION', onDelete },
});

/** Columns that its constraints speak of are told so. */
export function table(name: string, columns: readonly Column[], constraints: readonly Constraint[] = []): Table {
  const dot = name.indexOf('.');
  const key = constraints.find((constraint) => constraint.type === 'PRIMARY KEY')?.columns ?? [];
  return {
    name,
    schemaName: dot < 0 ? 'public' : name.slice(0, dot),
    tableName: name.slice(dot + 1),
    isView: false,
    columns: columns.map((one) => told(one, key, constraints)),
    primaryKey: key,
    constraints,
  };
}

function told(one: Column, key: readonly string[], constraints: readonly Constraint[]): Column {
  const sole = (type: Constraint['type']) =>
    constraints.find(
      (constraint) => constraint.type === type && constraint.columns.length === 1 && constraint.columns[0] === one.name,
    );
  const referenced = sole('FOREIGN KEY')?.referenced;
  const { table: target, columns, onUpdate, onDelete } = referenced ?? { columns: [], onUpdate: '', onDelete: '' };
  return {
    ...one,
    primaryKey: key.includes(one.name),
    unique: sole('UNIQUE') !== undefined,
    type: referenced && one.type === 'integer' ? 'reference' : one.type,
    foreignKey: target ? { table: target, field: columns[0] ?? '', onUpdate, onDelete } : null,
  };
}

/** Departments, employees with a boss, projects, who works on which. */
export const COMPANY: Catalogue = {
  tables: [
    table(
      'emp_project',
      [idColumn(), column('emp_id', { nullable: false }), column('project_id', { nullable: false })],
      [
        primaryKey('emp_project_pkey', 'id'),
        foreignKey('fk_emp', ['emp_id'], 'emp', ['id'], 'CASCADE'),
        foreignKey('fk_project', ['project_id'], 'project', ['id'], 'CASCADE'),
      ],
    ),
    table(
      'emp',
      [
        idColumn(),
        textColumn('name', { nullable: false }),
        textColumn('email'),
        column('active', { type: 'boolean', json: 'boolean', default: true, nullable: false }),
        column('dept_id'),
        column('boss_id'),
      ],
      [
        primaryKey('emp_pkey', 'id'),
        unique('emp_email_key', 'email'),
        foreignKey('fk_dept', ['dept_id'], 'dept', ['id']),
        foreignKey('fk_boss', ['boss_id'], 'emp', ['id']),
      ],
    ),
    table(
      'dept',
      [
        idColumn(),
        textColumn('name', { nullable: false, dbType: 'character varying(60)', length: 60, precision: 60 }),
        column('budget', { type: 'decimal', dbType: 'numeric(12,2)', length: 12, precision: 12, scale: 2 }),
      ],
      [primaryKey('dept_pkey', 'id'), unique('Dept_Name', 'name')],
    ),
    table('project', [idColumn(), textColumn('title', { nullable: false })], [primaryKey('project_pkey', 'id')]),
  ],
};

/** The only field of a table of its own. */
export function fieldOf(table: Table): FieldView {
  const [field] = applyExtras({ tables: [table] }, [], 1).tables[0]?.fields ?? [];
  if (!field) throw new Error('The table has no field.');
  return field;
}
