import { describe, expect, test } from 'vitest';
import { readS3Config } from './config.ts';

const WHOLE = { region: 'eu-central-1', key: 'k', secret: ' s ', container: 'bucket' };

test('what an administrator has stored', () => {
  expect(readS3Config({ ...WHOLE, endpoint: 'http://store:9000/', path_style: '1', proxy: '' })).toEqual({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'k', secretAccessKey: ' s ' },
    bucket: 'bucket',
    proxy: undefined,
    endpoint: 'http://store:9000',
    isPathStyle: true,
  });
});

test('without a key the machine has one of its own', () => {
  const { credentials, endpoint, isPathStyle } = readS3Config({ ...WHOLE, key: null, secret: '' });
  expect({ credentials, endpoint, isPathStyle }).toEqual({
    credentials: undefined,
    endpoint: undefined,
    isPathStyle: false,
  });
});

const REFUSED = [
  { why: 'no region', config: { ...WHOLE, region: null }, field: 'region' },
  { why: 'no bucket', config: { ...WHOLE, container: '' }, field: 'container' },
  { why: 'a key without its secret', config: { ...WHOLE, secret: null }, field: 'secret' },
  { why: 'a secret without its key', config: { ...WHOLE, key: '' }, field: 'key' },
  { why: 'an endpoint that is no address', config: { ...WHOLE, endpoint: 'store' }, field: 'endpoint' },
  { why: 'an endpoint of another kind', config: { ...WHOLE, endpoint: 'ftp://store' }, field: 'endpoint' },
  { why: 'an endpoint with a query', config: { ...WHOLE, endpoint: 'http://store?x=1' }, field: 'endpoint' },
  { why: 'a proxy that is no address', config: { ...WHOLE, proxy: 'file:///etc' }, field: 'proxy' },
  { why: 'neither true nor false', config: { ...WHOLE, path_style: 'maybe' }, field: 'path_style' },
];
describe('refused', () => {
  test.each(REFUSED)('$why', ({ config, field }) => {
    expect(() => readS3Config(config)).toThrow(expect.objectContaining({ code: 'invalid', context: { field } }));
  });
});
