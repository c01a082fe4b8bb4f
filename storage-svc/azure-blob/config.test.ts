import { describe, expect, test } from 'vitest';
import { readAzureBlobConfig } from './config.ts';

const WHOLE = { account_name: 'acc', account_key: 'a2V5', protocol: 'https', container: 'files' };

const ENDPOINTS = [
  { why: 'Azure’s own', config: {}, endpoint: 'https://acc.blob.core.windows.net' },
  { why: 'by another protocol', config: { protocol: 'http' }, endpoint: 'http://acc.blob.core.windows.net' },
  { why: 'no protocol', config: { protocol: null }, endpoint: 'https://acc.blob.core.windows.net' },
  { why: 'an emulator', config: { endpoint: 'http://emulator:10000/acc/' }, endpoint: 'http://emulator:10000/acc' },
];
test.each(ENDPOINTS)('the address of the store: $why', ({ config, endpoint }) => {
  expect(readAzureBlobConfig({ ...WHOLE, ...config })).toEqual({
    ...{ account: 'acc', key: 'a2V5', container: 'files' },
    endpoint,
  });
});

const REFUSED = [
  { why: 'no account', config: { account_name: '' }, field: 'account_name' },
  { why: 'no key', config: { account_key: null }, field: 'account_key' },
  { why: 'a key that is none', config: { account_key: 'not a key' }, field: 'account_key' },
  { why: 'no container', config: { container: ' ' }, field: 'container' },
  { why: 'another protocol', config: { protocol: 'ftp' }, field: 'protocol' },
  { why: 'an endpoint that is no address', config: { endpoint: 'emulator' }, field: 'endpoint' },
];
describe('refused', () => {
  test.each(REFUSED)('$why', ({ config, field }) => {
    const read = () => readAzureBlobConfig({ ...WHOLE, ...config });
    expect(read).toThrow(expect.objectContaining({ code: 'invalid', context: { field } }));
  });
});
