import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { type Operation, OperationSchema, ShapeSchema } from '#proto/data/v1/data_pb.ts';
import { ShapeCache } from './shapes.ts';

const encoded = (service: string): Uint8Array => toBinary(ShapeSchema, create(ShapeSchema, { service }));
const operation = (form: MessageInitShape<typeof OperationSchema>['form']): Operation =>
  create(OperationSchema, form ? { form } : {});

test('equal bytes give the identical shape, others another', () => {
  const shapes = new ShapeCache();
  const first = shapes.of(operation({ case: 'encodedShape', value: encoded('db') }));
  const again = shapes.of(operation({ case: 'encodedShape', value: Buffer.from(encoded('db')) }));
  const other = shapes.of(operation({ case: 'encodedShape', value: encoded('shop') }));
  expect(first.service).toBe('db');
  expect(again).toBe(first);
  expect(other.service).toBe('shop');
});

test('a shape by hand is taken as it is', () => {
  const value = create(ShapeSchema, { service: 'db' });
  expect(new ShapeCache().of(operation({ case: 'shape', value }))).toBe(value);
});

test.each([
  { why: 'none', form: undefined },
  { why: 'a ticket', form: { case: 'ticket' as const, value: 't' } },
  { why: 'bytes that are no shape', form: { case: 'encodedShape' as const, value: Buffer.from([0xff, 0xff]) } },
  { why: 'a shape that was cut off', form: { case: 'encodedShape' as const, value: encoded('db').subarray(0, 3) } },
])('refused: $why', ({ form }) => {
  const shapes = new ShapeCache();
  expect(() => shapes.of(operation(form))).toThrow(expect.objectContaining({ code: 'invalid' }));
});
