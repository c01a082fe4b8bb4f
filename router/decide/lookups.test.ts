import { describe, expect, test } from 'vitest';
import { principalIn, stateWithRole } from '../testing/access.ts';
import { countLookups, replaceLookups, replaceRuleLookups } from './lookups.ts';

const STATE = stateWithRole([], {
  lookups: [
    { id: 1, name: 'region', value: 'system' },
    { id: 2, name: 'region', value: 'app', appId: 4 },
    { id: 3, name: 'region', value: 'role', roleId: 3 },
    { id: 4, name: 'region', value: 'user', userId: 5 },
    { id: 5, name: 'zone', value: 'role', roleId: 3 },
    { id: 6, name: 'zone', value: 'app', appId: 4 },
    { id: 7, name: 'other', value: 'x', userId: 99 },
    { id: 8, name: 'secret', value: '', isPrivate: true },
    { id: 9, name: 'nested', value: '{user.id}' },
    { id: 10, name: 'pattern', value: 'a%' },
  ],
});
const ANN = principalIn(STATE);
const NOBODY = principalIn(STATE, null);

describe('in text', () => {
  const CASES: { why: string; text: string; replaced: string }[] = [
    { why: 'nothing to replace', text: 'a = 1', replaced: 'a = 1' },
    { why: 'about the user', text: '{user.id}/{user.email}/{user.username}', replaced: '5/ann@a.example/ann' },
    { why: 'with a quote in it', text: '{user.name}', replaced: "Ann O'Neil" },
    { why: 'about role and app', text: '{role.id} {role.name} {app.id} {app.api_key}', replaced: '3 Clerk 4 key' },
    { why: 'user over role over app over system', text: '{region}', replaced: 'user' },
    { why: 'role over app', text: '{zone}', replaced: 'role' },
    { why: "somebody else's", text: '{other}', replaced: '{other}' },
    { why: 'private', text: '{secret}', replaced: '{secret}' },
    { why: 'unknown', text: '{nope} {user.nope}', replaced: '{nope} {user.nope}' },
    { why: 'what a lookup holds is not looked into', text: '{nested}', replaced: '{user.id}' },
    { why: 'a function', text: '{strtoupper(user.username)}', replaced: 'ANN' },
    { why: 'functions in functions', text: '{base64_decode(base64_encode(user.email))}', replaced: 'ann@a.example' },
    { why: 'encoded', text: '{urlencode(user.name)}', replaced: "Ann+O'Neil" },
    { why: 'a function that is none', text: '{constructor(user.id)}', replaced: '{constructor(user.id)}' },
    {
      why: 'members of every object',
      text: '{constructor} {__proto__} {toString}',
      replaced: '{constructor} {__proto__} {toString}',
    },
    { why: 'JSON', text: '{"a":{"b":1}}', replaced: '{"a":{"b":1}}' },
  ];
  test.each(CASES)('$why', ({ text, replaced }) => expect(replaceLookups(text, STATE, ANN)).toBe(replaced));

  test('they are counted, known or not', () => {
    expect(countLookups('{user.id} {nope} {"a":{"b":1}} {')).toBe(2);
    expect(countLookups('a')).toBe(0);
  });

  test('eleven functions are too many', () => {
    const of = (depth: number) => `{${'trim('.repeat(depth)}user.id${')'.repeat(depth)}}`;
    expect(replaceLookups(of(10), STATE, ANN)).toBe('5');
    expect(replaceLookups(of(11), STATE, ANN)).toBe(of(11));
  });
});

describe('in the conditions of a role', () => {
  const CASES: { why: string; text: string; pattern?: boolean; anonymous?: boolean; replaced: string | undefined }[] = [
    { why: 'none', text: 'a%', pattern: true, replaced: 'a%' },
    { why: 'all are known', text: '{user.id}-{region}', replaced: '5-user' },
    { why: 'one is unknown', text: '{user.id}-{nope}', replaced: undefined },
    { why: 'there is no user', text: '{user.id}', anonymous: true, replaced: undefined },
    { why: 'a private one', text: '{secret}', replaced: undefined },
    { why: 'a plain name in a pattern', text: '{user.username}%', pattern: true, replaced: 'ann%' },
    { why: "an administrator's pattern", text: '{pattern}', pattern: true, replaced: 'a%' },
  ];
  test.each(CASES)('$why', ({ text, pattern = false, anonymous = false, replaced }) => {
    expect(replaceRuleLookups(text, STATE, anonymous ? NOBODY : ANN, pattern)).toBe(replaced);
  });

  test.each(['%', 'a_b', '100%'])('a user who is called %s is no pattern', (username) => {
    const state = stateWithRole([], { users: [{ id: 5, username, isActive: true }] });
    const principal = principalIn(state);
    expect(replaceRuleLookups('{user.username}', state, principal, false)).toBe(username);
    expect(replaceRuleLookups('{strtolower(user.username)}', state, principal, true)).toBeUndefined();
  });
});
