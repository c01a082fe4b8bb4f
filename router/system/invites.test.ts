import { expect, test } from 'vitest';
import { parseSystem } from '../parse/resource.ts';
import { apiRequestOf, type Sent } from '../testing/request.ts';
import { withInvites } from './invites.ts';

const HEADERS = { 'content-type': 'application/json' };

function recordsOf(sent: Sent): unknown {
  const request = apiRequestOf({ headers: HEADERS, ...sent, target: `/api/v2/system/${sent.target}` });
  const { records } = withInvites(request, parseSystem(request));
  return records.length > 0 ? JSON.parse(Buffer.from(records).toString()) : undefined;
}

const ONE = '{"resource":[{"email":"a"},{"email":"b"}]}';
const PLAIN = [{ email: 'a' }, { email: 'b' }];
const INVITED = PLAIN.map((record) => ({ ...record, send_invite: true }));

test.each<[string, Sent, unknown]>([
  ['new users', { method: 'POST', target: 'user?send_invite=true', body: ONE }, INVITED],
  ['new administrators', { method: 'POST', target: 'admin?send_invite=1', body: ONE }, INVITED],
  ['one user', { method: 'PATCH', target: 'user/5?send_invite=true', body: '{}' }, { send_invite: true }],
  [
    'users by their ids',
    { method: 'PUT', target: 'user?ids=1,2&send_invite=true', body: '[{}]' },
    [{ send_invite: true }],
  ],
  ['without the option', { method: 'POST', target: 'user', body: ONE }, PLAIN],
  ['with another word', { method: 'POST', target: 'user?send_invite=no', body: ONE }, PLAIN],
  ['of something else', { method: 'POST', target: 'role?send_invite=true', body: ONE }, PLAIN],
  ['a read', { target: 'user?send_invite=true' }, undefined],
  ['what is no record', { method: 'POST', target: 'user?send_invite=true', body: '[1]' }, [1]],
])('%s', (_why, sent, expected) => {
  expect(recordsOf(sent)).toEqual(expected);
});
