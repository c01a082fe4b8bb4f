import { describe, expect, test } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import type { Logger } from '#common/observe/log.ts';
import type { Principal } from './authenticate/principal.ts';
import { Refusals } from './refusals.ts';
import { requestOf } from './testing/request.ts';

function noting() {
  const lines: [facts: Record<string, unknown>, text: string][] = [];
  const log = { warn: (facts: Record<string, unknown>, text: string) => lines.push([facts, text]) };
  return { lines, refusals: new Refusals(log as unknown as Logger) };
}

const denied = new MillraceError('denied', 'No.');
const request = requestOf({ target: '/api/v2/db/_table/emp?api_key=very-secret' });

test('who, what and why, and nothing of the query', () => {
  const { lines, refusals } = noting();
  const principal = { user: { id: 3 }, role: { source: { id: 4 } }, app: { id: 5 } } as unknown as Principal;
  refusals.note(request, 'GET', denied, principal);
  expect(lines).toEqual([
    [
      {
        ...{ requestId: request.id, verb: 'GET', path: '/api/v2/db/_table/emp', from: '127.0.0.1' },
        ...{ code: 'denied', reason: 'No.', user: 3, role: 4, app: 5 },
      },
      'call refused',
    ],
  ]);
  expect(JSON.stringify(lines)).not.toContain('secret');
});

describe('which', () => {
  test.each([
    ['unauthenticated', 1],
    ['denied', 1],
    ['limited', 1],
    ['invalid', 0],
    ['not_found', 0],
    ['internal', 0],
  ] as const)('%s', (code, count) => {
    const { lines, refusals } = noting();
    refusals.note(request, 'GET', new MillraceError(code, 'x'), undefined);
    expect(lines).toHaveLength(count);
  });
});

test('of very many the first ones, and how many more', () => {
  const { lines, refusals } = noting();
  for (let i = 0; i < 1000; i++) refusals.note(request, 'GET', denied, undefined, 10_000);
  expect(lines).toHaveLength(100);
  refusals.note(request, 'GET', denied, undefined, 11_000);
  expect(lines.slice(100).map(([facts, text]) => [text, facts['more']])).toEqual([
    ['more calls refused', 900],
    ['call refused', undefined],
  ]);
});
