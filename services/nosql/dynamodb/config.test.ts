import { describe, expect, test } from 'vitest';
import { readDynamoConfig } from './config.ts';

const credentials = { accessKeyId: 'k', secretAccessKey: ' s ' };
const READ = [
  { why: 'the least', config: {}, read: {} },
  { why: 'credentials', config: { key: 'k', secret: ' s ' }, read: { credentials } },
  { why: 'what forms leave empty', config: { key: '', secret: '', proxy: '', endpoint: '' }, read: {} },
  { why: 'a proxy', config: { proxy: 'http://u:p@proxy:8080/' }, read: { proxy: 'http://u:p@proxy:8080' } },
  { why: 'another server', config: { endpoint: 'http://local:8000/' }, read: { endpoint: 'http://local:8000' } },
];
test.each(READ)('$why', ({ config, read }) => {
  const none = { credentials: undefined, proxy: undefined, endpoint: undefined };
  expect(readDynamoConfig({ region: 'eu-central-1', ...config })).toEqual({ region: 'eu-central-1', ...none, ...read });
});

const REFUSED = [
  { why: 'no region', config: { region: ' ' }, field: 'region' },
  { why: 'a region that is an address', config: { region: 'evil.example/#' }, field: 'region' },
  { why: 'a key without a secret', config: { key: 'k' }, field: 'secret' },
  { why: 'a secret without a key', config: { secret: 's' }, field: 'key' },
  { why: 'a proxy that is no address', config: { proxy: 'proxy:8080' }, field: 'proxy' },
  { why: 'an endpoint with a query', config: { endpoint: 'http://local/?a=b' }, field: 'endpoint' },
];
describe('refused', () => {
  test.each(REFUSED)('$why', ({ config, field }) => {
    const read = () => readDynamoConfig({ region: 'eu-central-1', ...config });
    expect(read).toThrow(expect.objectContaining({ code: 'invalid', context: { field } }));
  });
});
