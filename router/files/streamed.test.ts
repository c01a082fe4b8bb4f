import { expect, test } from 'vitest';
import { stateOf } from '../testing/access.ts';
import { requestOf } from '../testing/request.ts';
import { isFileContent } from './streamed.ts';

const state = stateOf({
  services: [
    { id: 9, name: 'files', type: 'local_file', isActive: true, tier: 'storage' },
    { id: 7, name: 'db', type: 'sqlite', isActive: true, tier: 'sql' },
  ],
});

const FORM = { 'content-type': 'multipart/form-data; boundary=x' };
const TUS = { 'tus-resumable': '1.0.0' };

const CASES: readonly (readonly [string, string, Readonly<Record<string, string>>, boolean])[] = [
  ['POST', '/api/v2/files/a', {}, true],
  ['PUT', '/api/v2/files/a/b', {}, true],
  ['PUT', '/api/FILES/a', {}, true],
  ['POST', '/api/v2/files/a', { 'content-type': 'application/json' }, true],
  ['POST', '/api/v2/files/a/', {}, false],
  ['POST', '/api/v2/files/a%2F', {}, false],
  ['POST', '/api/v2/files', {}, false],
  ['POST', '/api/v2/files/', FORM, true],
  ['POST', '/api/v2/files/', { 'x-file-name': 'a' }, true],
  ['POST', '/api/v2/files/', { 'x-folder-name': 'a' }, false],
  ['POST', '/api/v2/files/a', { 'x-http-method': 'DELETE' }, false],
  ['POST', '/api/v2/files/a', { 'x-http-method': 'PUT' }, true],
  ['POST', '/api/v2/files/a?method=delete', {}, false],
  ['POST', '/api/v2/files/a?method=%ff', {}, false],
  ['POST', '/api/v2/files/a', { 'x-http-method': 'WHAT' }, false],
  ['PATCH', '/api/v2/files/a', {}, false],
  ['DELETE', '/api/v2/files/a', {}, false],
  ['PATCH', '/api/v2/files/a', { ...TUS, 'content-type': 'application/offset+octet-stream' }, true],
  ['POST', '/api/v2/files/', { ...TUS, 'content-type': 'application/offset+octet-stream' }, true],
  ['POST', '/api/v2/files/', TUS, false],
  ['POST', '/api/v2/db/_table/a', {}, false],
  ['POST', '/api/v2/nosuch/a', {}, false],
  ['POST', '/elsewhere', {}, false],
];
test.each(CASES)('%s %s %j: %s', (method, target, headers, is) => {
  expect(isFileContent(requestOf({ method, target, headers }), state)).toBe(is);
});
