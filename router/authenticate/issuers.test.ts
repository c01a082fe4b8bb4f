/** Tokens of other issuers: whatever is not exactly right is refused. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { exportJWK, exportSPKI, generateKeyPair, type KeyLike, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import { UpdateSchema } from '#proto/access/v1/access_pb.ts';
import { AccessState } from '../access/state.ts';
import { IssuerVerifier } from './issuers.ts';

const ISSUER = 'https://login.example';
const AUDIENCE = 'millrace';
const KID = 'key 1';

interface Pair {
  readonly publicKey: KeyLike;
  readonly privateKey: KeyLike;
}

let good: Pair;
let other: Pair;
let server: Server;
let url: string;
let published: object[];
let asked = 0;
let state: AccessState;
let verifier: IssuerVerifier;

beforeAll(async () => {
  good = await generateKeyPair('RS256');
  other = await generateKeyPair('RS256');
  server = createServer((_, response) => {
    asked++;
    response.end(JSON.stringify({ keys: published }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(async () => {
  asked = 0;
  published = [{ ...(await exportJWK(good.publicKey)), kid: KID, alg: 'RS256', use: 'sig' }];
  state = new AccessState();
  push({ issuers: [rule(1)] });
  verifier = new IssuerVerifier(state);
});

const rule = (id: number, more: object = {}) => ({
  ...{ id, issuer: ISSUER, audience: AUDIENCE, jwksUrl: url, roleId: 7 },
  ...more,
});

function push(update: object): void {
  const roles = [7, 8].map((id) => ({ id, name: `role ${id}`, isActive: true, access: [] }));
  state.apply(create(UpdateSchema, { version: 1n, full: true, roles, ...update }));
}

interface Made {
  readonly key?: KeyLike;
  readonly header?: object;
  readonly claims?: object;
}

const now = (): number => Math.floor(Date.now() / 1000);

function token({ key = good.privateKey, header = {}, claims = {} }: Made = {}): Promise<string> {
  const all = { iss: ISSUER, aud: AUDIENCE, sub: 'machine', iat: now(), exp: now() + 600, ...claims };
  return new SignJWT(all).setProtectedHeader({ alg: 'RS256', kid: KID, ...header }).sign(key);
}

/** The id of the role, or the code of the refusal; `strange`: it is none of another issuer. */
async function outcome(sent: string): Promise<unknown> {
  if (!verifier.knows(sent)) return 'strange';
  try {
    return (await verifier.roleOf(sent))?.source.id;
  } catch (error) {
    expect(error).toBeInstanceOf(MillraceError);
    expect((error as MillraceError).message).not.toContain('127.0.0.1');
    return (error as MillraceError).code;
  }
}

const CASES: readonly [why: string, make: () => Promise<string> | string, gives: unknown][] = [
  ['a good one', () => token(), 7],
  ['expired', () => token({ claims: { exp: now() - 120 } }), 'unauthenticated'],
  ['without an end', () => token({ claims: { exp: undefined } }), 'unauthenticated'],
  ['not valid yet', () => token({ claims: { nbf: now() + 600 } }), 'unauthenticated'],
  ['for others', () => token({ claims: { aud: 'someone else' } }), 'unauthenticated'],
  ['for others as well', () => token({ claims: { aud: ['someone else', AUDIENCE] } }), 7],
  ['for nobody', () => token({ claims: { aud: undefined } }), 'unauthenticated'],
  ['of another issuer', () => token({ claims: { iss: 'https://evil.example' } }), 'strange'],
  ['of an issuer that begins alike', () => token({ claims: { iss: `${ISSUER}.evil.example` } }), 'strange'],
  ['signed with another key', () => token({ key: other.privateKey }), 'unauthenticated'],
  ['an unknown kid', () => token({ header: { kid: 'key 2' }, key: other.privateKey }), 'unauthenticated'],
  ['a kid that is a path', () => token({ header: { kid: '../../../../dev/null' } }), 'unauthenticated'],
  ['a kid that is SQL', () => token({ header: { kid: "x' UNION SELECT 'secret" } }), 'unauthenticated'],
  [
    'a key that it brings along',
    async () => token({ key: other.privateKey, header: { jwk: await exportJWK(other.publicKey), kid: undefined } }),
    'unauthenticated',
  ],
  [
    'an address of keys that it brings along',
    () => token({ key: other.privateKey, header: { jku: 'https://evil.example/keys' } }),
    'unauthenticated',
  ],
  ['unsigned', () => new UnsecuredJWT({ iss: ISSUER, aud: AUDIENCE, exp: now() + 600 }).encode(), 'strange'],
  [
    'signed with the public key as if it were a secret',
    async () =>
      new SignJWT({ iss: ISSUER, aud: AUDIENCE, exp: now() + 600 })
        .setProtectedHeader({ alg: 'HS256', kid: KID })
        .sign(Buffer.from(await exportSPKI(good.publicKey))),
    'strange',
  ],
  ['a signature that is cut', async () => (await token()).slice(0, -4), 'unauthenticated'],
  ['claims that were changed', async () => changed(await token()), 'unauthenticated'],
  ['two parts', async () => (await token()).split('.').slice(0, 2).join('.'), 'unauthenticated'],
  ['no token', () => 'x', 'strange'],
  ['nothing', () => '', 'strange'],
];

const changed = (text: string): string => {
  const [head, body = '', signature] = text.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
  return [head, Buffer.from(JSON.stringify({ ...claims, sub: 'admin' })).toString('base64url'), signature].join('.');
};

test.each(CASES)('%s', async (_, make, gives) => {
  const sent = await make();
  expect(await outcome(sent)).toBe(gives);
  // The second time it is not found better.
  expect(await outcome(sent)).toBe(gives);
});

describe('rules', () => {
  test('claims that must be there', async () => {
    push({ issuers: [rule(1, { claimsJson: Buffer.from('{"scope":"write","tier":2}') })] });
    expect(await outcome(await token())).toBe('unauthenticated');
    expect(await outcome(await token({ claims: { scope: 'read', tier: 2 } }))).toBe('unauthenticated');
    expect(await outcome(await token({ claims: { scope: 'read write', tier: 2 } }))).toBe(7);
    expect(await outcome(await token({ claims: { scope: ['write'], tier: 2 } }))).toBe(7);
  });

  test('several for one issuer', async () => {
    push({ issuers: [rule(1), rule(2, { audience: 'reports', roleId: 8 })] });
    expect(await outcome(await token({ claims: { aud: 'reports' } }))).toBe(8);
    expect(await outcome(await token())).toBe(7);
  });

  test('a rule that is gone or changed counts at once', async () => {
    const sent = await token();
    expect(await outcome(sent)).toBe(7);
    push({ issuers: [rule(1, { roleId: 8 })] });
    expect(await outcome(sent)).toBe(8);
    push({ issuers: [] });
    expect(await outcome(sent)).toBe('strange');
  });
});

describe('keys', () => {
  test('fetched once, whatever comes', async () => {
    for (let i = 0; i < 20; i++) expect(await outcome(await token({ claims: { jti: String(i) } }))).toBe(7);
    for (let i = 0; i < 20; i++) await outcome(await token({ header: { kid: `unknown ${i}` } }));
    expect(asked).toBe(1);
  });

  test('that cannot be had', async () => {
    push({ issuers: [rule(1, { jwksUrl: 'http://127.0.0.1:1/keys' })] });
    expect(await outcome(await token())).toBe('unavailable');
  });

  test('that are none', async () => {
    published = [{ kty: 'nonsense', kid: KID }];
    expect(await outcome(await token())).not.toBe(7);
  });
});
