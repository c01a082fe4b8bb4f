/** The tables that the reads of every engine are tried on: made through `_schema`, filled through `_table`. */

import type { Ask } from '#common/testing/bench.ts';
import { insert } from '#common/testing/words.ts';
import { DefineMode, PartKind, Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';

const nullable = { allow_null: true };

export const DEFINITIONS = [
  {
    name: 'dept',
    field: [
      { name: 'id', type: 'id' },
      { name: 'name', type: 'string', length: 60, is_unique: true },
      { name: 'budget', type: 'decimal', precision: 12, scale: 2, ...nullable },
    ],
  },
  {
    name: 'emp',
    field: [
      { name: 'id', type: 'id' },
      { name: 'name', type: 'string', length: 60 },
      { name: 'age', type: 'integer', ...nullable },
      { name: 'active', type: 'boolean', default: true },
      { name: 'salary', type: 'decimal', precision: 10, scale: 2, ...nullable },
      { name: 'born', type: 'date', ...nullable },
      { name: 'seen', type: 'datetime', ...nullable },
      { name: 'dept_id', type: 'reference', ref_table: 'dept', ref_field: 'id', ...nullable },
    ],
  },
  {
    name: 'pair',
    field: [
      { name: 'a', type: 'integer', is_primary_key: true },
      { name: 'b', type: 'string', length: 20, is_primary_key: true },
      { name: 'v', type: 'integer', ...nullable },
    ],
  },
  {
    name: 'item',
    field: [
      { name: 'id', type: 'integer', is_primary_key: true },
      { name: 'name', type: 'string', length: 20, is_unique: true },
      { name: 'qty', type: 'integer', ...nullable },
      { name: 'doc', type: 'text', ...nullable },
    ],
  },
];

const DEPTS = [
  { name: 'Sales', budget: 1000.5 },
  { name: 'Research', budget: null },
];

const EMPS = [
  { name: 'Ann', age: 30, salary: 100.25, born: '1990-05-01', seen: '2024-01-02 03:04:05', dept_id: 1 },
  { name: 'Bob', age: 41, active: false, salary: 200, born: '1980-12-31', seen: null, dept_id: 1 },
  { name: "C'mon 50%", age: null, salary: null, born: null, seen: '2024-06-30 23:59:59', dept_id: 2 },
  { name: 'Dörte_☃', age: 52, salary: 300.75, born: '1970-01-01', seen: '2024-01-02 03:04:06', dept_id: null },
  { name: 'Eve', age: 41, active: false, salary: 0, born: '1980-12-31', seen: null, dept_id: 2 },
];

const PAIRS = [
  { a: 1, b: 'x', v: 10 },
  { a: 1, b: 'y', v: null },
  { a: 2, b: 'x,1', v: 30 },
];

export const ITEMS = [
  { id: 1, name: 'one', qty: 10 },
  { id: 2, name: 'two', qty: 20 },
  { id: 3, name: 'three', qty: null },
];

export const define = (records: unknown, mode: DefineMode = DefineMode.CREATE, table = ''): Ask => ({
  action: { case: 'defineTables', value: { table, mode } },
  records,
});

export const describeTables = (target: Target, ...tables: string[]): Ask => ({
  action: { case: 'describeTables', value: { tables, target } },
});

export const drop = (target: Target, ...tables: string[]): Ask => ({
  action: { case: 'dropTables', value: { tables, target } },
});

export const defineFields = (table: string, records: unknown): Ask => ({
  action: { case: 'defineParts', value: { table, kind: PartKind.FIELD, mode: DefineMode.CREATE } },
  records,
});

export const dropFields = (table: string, ...names: string[]): Ask => ({
  action: { case: 'dropParts', value: { table, kind: PartKind.FIELD, names } },
});

export const describeFields = (table: string, ...names: string[]): Ask => ({
  action: { case: 'describeParts', value: { table, kind: PartKind.FIELD, names, target: Target.KEYS } },
});

export async function buildCompany(bench: Bench): Promise<void> {
  await bench.ask(define(DEFINITIONS));
  await bench.ask(insert('dept', DEPTS));
  await bench.ask(insert('emp', EMPS));
  await bench.ask(insert('pair', PAIRS));
}
