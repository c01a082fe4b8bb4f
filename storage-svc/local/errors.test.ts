import { expect, test } from 'vitest';
import { translate } from './errors.ts';

const CASES = [
  { errno: 'ENOENT', code: 'not_found' },
  { errno: 'ENOTEMPTY', code: 'conflict' },
  { errno: 'ENAMETOOLONG', code: 'invalid' },
  { errno: 'ENOSPC', code: 'unavailable' },
  { errno: 'EACCES', code: 'unavailable' },
  { errno: 'EMFILE', code: 'overloaded' },
  { errno: 'EXDEV', code: 'unsupported' },
  { errno: 'EWHATEVER', code: 'internal' },
];
test.each(CASES)('$errno is $code, and says no path', ({ errno, code }) => {
  const thrown = Object.assign(new Error(`${errno}: open '/srv/secret'`), { code: errno });
  const error = translate(thrown);
  expect(error.code).toBe(code);
  expect(error.message).not.toContain('secret');
  expect(error.cause).toBe(thrown);
});
