import { expect, test } from 'vitest';
import { readFtpConfig } from './config.ts';
import { translate } from './errors.ts';
import { readFacts, readOwnFacts, readTime, timeText } from './facts.ts';

const LINES = [
  { line: 'type=file;size=5;modify=20240102030405; a.txt', facts: { name: 'a.txt', kind: 'file', size: 5 } },
  { line: 'Type=DIR;Modify=20240102030405;UNIX.mode=0755; a b ', facts: { name: 'a b ', kind: 'folder' } },
  { line: 'modify=20240102030405.250;size=7;type=file;  ; =x', facts: { name: ' ; =x', kind: 'file', size: 7 } },
  { line: 'type=OS.unix=slink:/etc; link', facts: { name: 'link', kind: 'other' } },
  { line: 'type=cdir;modify=20240102030405; .', facts: undefined },
  { line: 'type=pdir;modify=20240102030405; ..', facts: undefined },
  { line: '', facts: undefined },
  { line: '-rw-r--r-- 1 a b 5 Jan 1 00:00 x', facts: undefined },
];
test.each(LINES)('$line', ({ line, facts }) => {
  if (facts) expect(readFacts(line)).toMatchObject(facts);
  else expect(readFacts(line)).toBeUndefined();
});

test('of a thing itself', () => {
  expect(readOwnFacts('250-Start\r\n type=cdir;modify=20240102030405; /a\r\n250 End')).toMatchObject({
    kind: 'folder',
  });
  expect(readOwnFacts('250 nothing')).toBeUndefined();
});

test('times', () => {
  const time = Date.UTC(2024, 1, 29, 23, 59, 58);
  expect(readTime('20240229235958')).toBe(time);
  expect(readTime('20240229235958.25')).toBe(time + 250);
  expect(readTime('yesterday')).toBeUndefined();
  expect(timeText(time)).toBe('20240229235958');
});

const ERRORS = [
  {
    thrown: { code: 530, message: '530 Login incorrect, permission denied' },
    code: 'unavailable',
    message: /credentials/,
  },
  { thrown: { code: 550, message: '550 x: No such file or directory' }, code: 'not_found', message: /nothing/ },
  { thrown: { code: 550, message: '550 x: Permission denied' }, code: 'unavailable', message: /permit/ },
  { thrown: { code: 550, message: '550 Sorry' }, code: 'unavailable', message: /refuses/ },
  { thrown: { code: 452, message: '452 Sorry' }, code: 'unavailable', message: /full/ },
  { thrown: { code: 451, message: '451 x: No space left on device' }, code: 'unavailable', message: /full/ },
  { thrown: { code: 421, message: '421 Too many connections' }, code: 'unavailable', message: /no more connections/ },
  { thrown: { code: 'ECONNREFUSED', message: 'connect' }, code: 'unavailable', message: /reached/ },
  { thrown: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT', message: 'x' }, code: 'unavailable', message: /certificate/ },
  { thrown: { message: 'Timeout (control socket)' }, code: 'unavailable', message: /in time/ },
  { thrown: { message: 'Server sent FIN packet unexpectedly' }, code: 'unavailable', message: /lost/ },
  { thrown: { message: 'whatever' }, code: 'internal', message: /unexpected/ },
];
test.each(ERRORS)('$thrown is $code', ({ thrown, code, message }) => {
  const error = translate(Object.assign(new Error(), thrown));
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
});

const GOOD = { host: 'h', container: 'x/' };
test('settings: what is not given', () => {
  expect(readFtpConfig(GOOD)).toMatchObject({
    ...{ port: 21, username: 'anonymous', password: '', isEncrypted: false, isPassive: true, container: 'x' },
  });
  expect(readFtpConfig({ ...GOOD, passive: '0', ssl: 'true' })).toMatchObject({ isPassive: false, isEncrypted: true });
});

test.each([{ host: null }, { container: '' }, { username: 'a\r\nDELE x' }, { password: 'a\nDELE x' }])(
  'settings that are refused: %j',
  (config) => {
    expect(() => readFtpConfig({ ...GOOD, ...config })).toThrow(expect.objectContaining({ code: 'invalid' }));
  },
);
