import { describe, expect, test } from 'vitest';
import { TREE_BYTES } from '#common/scripts/tree.ts';
import { principalIn, stateOf, stateWithRole, type UpdateInit, update } from '../testing/access.ts';
import { Grants } from './grant.ts';

const refusal = (work: () => unknown): string => {
  try {
    work();
    return 'nothing';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('a grant', () => {
  test('leads to its caller, as a script, with his rights of now', () => {
    const state = stateWithRole([]);
    const grants = new Grants(state);
    const grant = grants.of(principalIn(state), 2);
    expect(grants.principalOf(grant)).toMatchObject({
      user: { id: 5 },
      app: { id: 4 },
      role: { source: { id: 3 } },
      isAdmin: false,
      requestor: 2,
      scriptDepth: 2,
    });
    expect(new Grants(state).principalOf(grant).user?.id).toBe(5);
  });

  test.each<[string, UpdateInit, string]>([
    ['an app that was deactivated', { apps: [{ id: 4, name: 'shop', apiKey: 'key', isActive: false }] }, 'denied'],
    ['a user who was deactivated', { users: [{ id: 5, isActive: false }] }, 'denied'],
    ['a user who is no more', { removals: [{ kind: 4, id: 5 }] }, 'unauthenticated'],
  ])('of %s is refused', (_why, change, code) => {
    const state = stateWithRole([]);
    const grants = new Grants(state);
    const grant = grants.of(principalIn(state), 1);
    update(state, change);
    expect(refusal(() => grants.principalOf(grant))).toBe(code);
  });

  test('belongs to a tree of scripts of its own, or to that of its caller', () => {
    const state = stateWithRole([]);
    const grants = new Grants(state);
    const [one, other] = [1, 2].map(() => grants.principalOf(grants.of(principalIn(state), 1)));
    expect(one?.scriptTree).not.toEqual(other?.scriptTree);
    expect(new Grants(state).principalOf(grants.of(one!, 2))).toMatchObject({
      scriptDepth: 2,
      scriptTree: one?.scriptTree,
    });
  });

  test('of somebody else, of nobody, or changed in any byte is refused', () => {
    const state = stateWithRole([]);
    const grants = new Grants(state);
    const grant = grants.of(principalIn(state), 1);
    for (let at = 0; at < grant.length - TREE_BYTES; at++) {
      const changed = Uint8Array.from(grant);
      changed[at] = (changed[at] as number) ^ 1;
      expect(refusal(() => grants.principalOf(changed))).toBe('unauthenticated');
    }
    const stranger = stateWithRole([], {
      settings: { tokenSecrets: [Buffer.from('another secret of 32 bytes, here')] },
    });
    expect(refusal(() => grants.principalOf(new Grants(stranger).of(principalIn(stranger), 1)))).toBe(
      'unauthenticated',
    );
    for (const bytes of [new Uint8Array(), Buffer.from('[5,4,0,0,9999999999]')]) {
      expect(refusal(() => grants.principalOf(bytes))).toBe('unauthenticated');
    }
    expect(refusal(() => new Grants(stateOf({ settings: {} })).principalOf(grant))).toBe('unauthenticated');
  });
});
