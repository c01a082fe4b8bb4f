import { expect, test } from 'vitest';
import { at, ref } from './document.ts';
import { mergeParts, type NamedPart } from './merge.ts';

const answer = (schema: string) => ({
  description: '',
  content: { 'application/json': { schema: ref('schemas', schema) } },
});

function part(name: string, schemas: object, operation: object = {}): NamedPart {
  return {
    name,
    entries: [at([], { get: operation as { operationId: string } }), at(['x'], { get: {} })],
    components: { schemas: schemas as Record<string, unknown>, responses: { UserResponse: answer('User') } },
  };
}

test('paths are below the name of their service', () => {
  const { entries } = mergeParts([part('a', {}), part('b', {})], {});
  expect(entries.map(({ path }) => path)).toEqual(['/a', '/a/x', '/b', '/b/x']);
});

test('equal components are one', () => {
  const same = { User: { type: 'string' } };
  const { components } = mergeParts([part('a', same), part('b', same)], {});
  expect(Object.keys(components.schemas)).toEqual(['User']);
  expect(Object.keys(components.responses)).toEqual(['UserResponse']);
});

test('components that differ are told apart, with all that leads to them', () => {
  const use = { responses: { 200: ref('responses', 'UserResponse'), default: ref('responses', 'Error') } };
  const common = { responses: { Error: answer('User') } };
  const { components, entries } = mergeParts(
    [
      part('a', { User: { type: 'string' } }, use),
      part('b', { User: { type: 'integer' }, Own: { type: 'null' } }, use),
    ],
    common,
  );
  expect(components.schemas).toEqual({
    User: { type: 'string' },
    'b.User': { type: 'integer' },
    Own: { type: 'null' },
  });
  expect(components.responses['b.UserResponse']).toEqual(answer('b.User'));
  const used = entries.map(({ operations }) => operations.get?.['responses']).filter(Boolean);
  expect(used).toEqual([
    use.responses,
    { 200: ref('responses', 'b.UserResponse'), default: ref('responses', 'Error') },
  ]);
});
