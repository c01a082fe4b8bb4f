import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { ServiceSchema } from '#proto/access/v1/access_pb.ts';
import { isOpenApi3, readStored, storedEntries } from './stored.ts';

const SERVICE = create(ServiceSchema, { name: 'city', label: 'The "City"', description: 'a: b' });

describe('placeholders', () => {
  const CASES: [content: string, title: unknown][] = [
    ['{"title": "{service.name} {service.names} {service.Name} {service.Names}"}', 'city cities City Cities'],
    ['{"title": "{service.label}"}', 'The "City"'],
    ['title: x {service.name} y', 'x city y'],
    ["title: '{service.description}'", 'a: b'],
    ['{"title": "{service.other}"}', '{service.other}'],
  ];
  test.each(CASES)('%s', (content, title) => {
    expect(readStored(content, SERVICE)).toEqual({ title });
  });
});

test.each(['{"a": ', '[1]', 'a: b: c', 'text', '&a [*a, *a'])('%s is no document', (content) => {
  expect(() => readStored(content, SERVICE)).toThrow(expect.objectContaining({ code: 'unavailable' }));
});

test('a document that names itself many times over is refused', () => {
  const levels = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(12).fill(`*a${i}`).join()}]`);
  const bomb = `a0: &a0 [x]\n${levels.join('\n')}`;
  expect(() => readStored(bomb, SERVICE)).toThrow(expect.objectContaining({ code: 'unavailable' }));
});

test('older languages are told apart', () => {
  expect(isOpenApi3({ openapi: '3.0.0' })).toBe(true);
  expect(isOpenApi3({ swagger: '2.0' })).toBe(false);
});

test('paths, their operations and what else is said of them', () => {
  const parameters = [{ name: 'id' }];
  const paths = { '/a/{id}/b%20c': { get: { operationId: 'x' }, parameters, 'x-y': 1 }, nope: {}, '/odd': null };
  expect(storedEntries({ paths })).toEqual([
    {
      path: '/a/{id}/b%20c',
      segments: ['a', { name: 'id', description: '' }, 'b c'],
      item: { parameters, 'x-y': 1 },
      operations: { get: { operationId: 'x' } },
    },
  ]);
  expect(storedEntries({})).toEqual([]);
});
