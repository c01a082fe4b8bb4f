import { describe, expect, test } from 'vitest';
import { readAzureTablesConfig } from './config.ts';

const WHOLE = { account_name: 'acc', account_key: 'a2V5', protocol: 'https' };

const ENDPOINTS = [
  { why: 'Azure’s own', config: {}, endpoint: 'https://acc.table.core.windows.net' },
  { why: 'by another protocol', config: { protocol: 'http' }, endpoint: 'http://acc.table.core.windows.net' },
  { why: 'no protocol', config: { protocol: null }, endpoint: 'https://acc.table.core.windows.net' },
  { why: 'an emulator', config: { endpoint: 'http://emulator:10002/acc/' }, endpoint: 'http://emulator:10002/acc' },
];
test.each(ENDPOINTS)('the address of the store: $why', ({ config, endpoint }) => {
  expect(readAzureTablesConfig({ ...WHOLE, ...config })).toEqual({ account: 'acc', key: 'a2V5', endpoint });
});

const REFUSED = [
  { why: 'no account', config: { account_name: '' }, field: 'account_name' },
  { why: 'an account that is an address', config: { account_name: 'evil.example/' }, field: 'account_name' },
  { why: 'no key', config: { account_key: null }, field: 'account_key' },
  { why: 'a key that is none', config: { account_key: 'not a key' }, field: 'account_key' },
  { why: 'another protocol', config: { protocol: 'ftp' }, field: 'protocol' },
  { why: 'an endpoint that is no address', config: { endpoint: 'emulator' }, field: 'endpoint' },
];
describe('refused', () => {
  test.each(REFUSED)('$why', ({ config, field }) => {
    const read = () => readAzureTablesConfig({ ...WHOLE, ...config });
    expect(read).toThrow(expect.objectContaining({ code: 'invalid', context: { field } }));
  });
});
