import { expect, test } from 'vitest';
import { sharingFault } from './door.ts';

test.each([
  { door: 'uws', node: '20.19.0', shares: true },
  { door: 'strict', node: '20.19.0', shares: false },
  { door: 'strict', node: '23.0.0', shares: false },
  { door: 'strict', node: '23.1.0', shares: true },
  { door: 'strict', node: '24.0.0', shares: true },
] as const)('the $door door on Node $node shares a port: $shares', ({ door, node, shares }) => {
  expect(sharingFault(door, node) === undefined).toBe(shares);
});
