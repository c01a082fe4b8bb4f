import { expect, test } from 'vitest';
import { hasHash } from './caching.ts';

test.each([
  ['index-BX3nTz9k.js', true],
  ['index-DiwrgTda.js', true],
  ['index-D3-_xY12.css', true],
  ['main.0a1b2c3d.css', true],
  ['main.0a1b2c3d4e5f60718293.chunk.js', true],
  ['chunk-X7WQ3OLT.js', true],
  ['main-UYTTIJGT.js', true],
  ['inter.0a1b2c3d.woff2', true],
  ['photo-22334567.jpg', false],
  ['index.js', false],
  ['my-homepage.css', false],
  ['my-Homepage.css', false],
  ['photo-20240101.jpg', false],
  ['report-0a1b2c3d.pdf', false],
  ['jquery-3.7.1.min.js', false],
  ['bootstrap.bundle.min.js', false],
  ['defaced.js', false],
  ['a-deadbeef.js', false],
  ['index-BX3nTz9k', false],
])('%s: %s', (name, is) => {
  expect(hasHash(name)).toBe(is);
});
