import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import type { Action } from '#common/testing/bench.ts';
import { OperationSchema, ShapeSchema } from '#proto/data/v1/data_pb.ts';
import { loneTable } from './lone-table.ts';

const comparison = (field: string) => ({ node: { case: 'comparison' as const, value: { field } } });
const all = (...filters: ReturnType<typeof comparison>[]) => ({ node: { case: 'all' as const, value: { filters } } });
const not = (filter: ReturnType<typeof comparison>) => ({ node: { case: 'not' as const, value: filter } });
const read = (value: object): Action => ({ case: 'read', value: { table: 't', ...value } });
const write = (name: 'create' | 'update' | 'delete', value: object = {}): Action =>
  ({ case: name, value: { table: 't', ...value } }) as Action;

const CASES: readonly [why: string, action: Action, records: string, isAlone: boolean][] = [
  ['a list', read({ order: [{ field: 'a' }], filter: all(comparison('a'), comparison('b')) }), '', true],
  ['with related records', read({ related: [{ name: '*' }] }), '', false],
  ['by a field of a related record', read({ filter: all(comparison('a'), comparison('b.c')) }), '', false],
  ['by its opposite', read({ filter: not(comparison('b.c')) }), '', false],
  ['by a condition of the role', read({ rowFilter: comparison('b.c') }), '', false],
  ['by a condition on groups', read({ having: comparison('b.c') }), '', false],
  ['in the order of a related record', read({ order: [{ field: 'b.c' }] }), '', false],
  ['with a description', read({ includeSchema: true }), '', false],
  ['flat records', write('create'), '[{"a":1,"b":"{[\\"{"},\n{"a":"\\\\"}]', true],
  ['a flat record', write('update'), ' {"a":1}', true],
  ['nothing', write('create'), '', true],
  ['records in records', write('create'), '[{"a":1},{"a":[{}]}]', false],
  ['a record in a record', write('update'), '{"a":{"b":1}}', false],
  ['records whose related ones come back', write('create', { related: [{ name: 'b' }] }), '[{}]', false],
  ['a change by a related field', write('update', { filter: comparison('b.c') }), '{}', false],
  ['a change under such a condition', write('update', { rowFilter: comparison('b.c') }), '{}', false],
  ['a deletion', write('delete', { filter: comparison('a') }), '', true],
  ['one by a related field', write('delete', { filter: comparison('b.c') }), '', false],
  ['a description', { case: 'describeTables', value: { tables: ['t'] } }, '', false],
];
test.each(CASES)('%s', (_, action, records, isAlone) => {
  const operation = create(OperationSchema, { records: Buffer.from(records) });
  expect(loneTable(create(ShapeSchema, { action }), operation)).toBe(isAlone ? 't' : undefined);
});
