import { afterEach, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { GatewayAnswer, GatewayCall, GatewayClient } from '#common/gateway/client.ts';
import { GatewayApi } from './gateway-api.ts';
import type { ApiCall } from './sandbox/sandbox.ts';

const CALL: ApiCall = {
  verb: 'POST',
  path: 'db/_table/todo',
  query: 'a=1',
  headers: { 'x-a': 'b' },
  body: Buffer.from('{}'),
};
const GRANT = Buffer.from('grant');
const header = (name: string, value: string) => ({ $typeName: 'millrace.gateway.v1.Header' as const, name, value });

/** An API whose router answers, or fails, like this. */
function behind(answer: (call: GatewayCall, deadline: Deadline) => Promise<Partial<GatewayAnswer>>) {
  return new GatewayApi({ call: answer } as unknown as GatewayClient);
}

let deadline: Deadline;
const run = () => ({ grant: GRANT, requestId: 'r1', deadline });
afterEach(() => deadline.abort(new MillraceError('cancelled', 'over')));

test('a call goes to the router as it is, with grant, id of the request and deadline', async () => {
  deadline = Deadline.after(1000);
  const sent: unknown[] = [];
  const api = behind(async (call, until) => {
    sent.push(call, until);
    const headers = [header('Content-Type', 'application/json'), header('X-Own', 'c')];
    return { status: 201, headers, body: Buffer.from('[1]') };
  });
  expect(await api.call(CALL, run())).toEqual({
    ...{ status: 201, contentType: 'application/json', body: Buffer.from('[1]') },
    headers: { 'content-type': 'application/json', 'x-own': 'c' },
  });
  expect(sent).toEqual([{ ...CALL, headers: { 'x-a': 'b', 'X-Request-Id': 'r1' }, grant: GRANT }, deadline]);
});

test('an API that cannot be asked is no answer', async () => {
  deadline = Deadline.after(1000);
  const error = new MillraceError('unavailable', 'No router can be reached.');
  await expect(behind(() => Promise.reject(error)).call(CALL, run())).rejects.toBe(error);
});
