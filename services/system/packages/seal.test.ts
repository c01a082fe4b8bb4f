import { beforeAll, expect, test } from 'vitest';
import { Seal } from './seal.ts';

const PASSWORD = 'A-good-passphrase';
const SECRETS = { config: { password: 'deep' } };
let seal: Seal;
beforeAll(async () => {
  seal = await Seal.make(PASSWORD);
});

test('its password opens it, elsewhere too', async () => {
  const sealed = seal.seal('service/a', SECRETS);
  expect(sealed).not.toContain('deep');
  expect((await Seal.of(seal.header, PASSWORD)).open('service/a', sealed)).toEqual(SECRETS);
});

test.each<[string, (sealed: string) => [owner: string, sealed: unknown]]>([
  ['of another record', (sealed: string) => ['service/b', sealed]],
  ['that were changed', (sealed: string) => ['service/a', `${sealed.slice(0, -4)}AAAA`]],
  ['that are cut off', (sealed: string) => ['service/a', sealed.slice(0, 8)]],
  ['that are no text', () => ['service/a', {}]],
])('secrets %s do not open', (_why, changed) => {
  const [owner, sealed] = changed(seal.seal('service/a', SECRETS));
  expect(() => seal.open(owner, sealed)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test.each([
  ['another password', () => Seal.of(seal.header, 'Another-passphrase')],
  ['no password', () => Seal.of(seal.header, '')],
  ['a password without an end', () => Seal.of(seal.header, 'x'.repeat(2000))],
  ['no header', () => Seal.of(undefined, PASSWORD)],
  ['a header without a salt', () => Seal.of({ check: 'x' }, PASSWORD)],
  ['a short password', () => Seal.make('short')],
  ['a password that is no text', () => Seal.make(12_345_678)],
])('refused: %s', async (_why, make) => {
  await expect(make()).rejects.toMatchObject({ code: 'invalid' });
});
