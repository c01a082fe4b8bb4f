import { expect, test } from 'vitest';
import { contentTypeOf } from './content-types.ts';

test.each([
  ['a/b.html', 'text/html'],
  ['INDEX.HTM', 'text/html'],
  ['app.min.js', 'text/javascript'],
  ['photo.JPEG', 'image/jpeg'],
  ['site.webmanifest', 'application/manifest+json'],
  ['x.dfpkg', 'application/zip'],
  ['.json', 'application/json'],
  ['folder.zip/name', 'application/octet-stream'],
  ['noend.', 'application/octet-stream'],
  ['x.constructor', 'application/octet-stream'],
  ['', 'application/octet-stream'],
])("'%s' is %s", (path, type) => {
  expect(contentTypeOf(path)).toBe(type);
});
