import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { ScriptSchema } from '#proto/script/v1/script_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { apiRequestOf, type Sent } from '../testing/request.ts';
import type { Answer } from './answer.ts';
import { KeptScriptAnswers } from './kept-answers.ts';

const TARGET = '/api/v2/hello/a';
const ANN = { user: { id: 1 }, isAdmin: false } as unknown as Principal;
const BOB = { user: { id: 2 }, isAdmin: false } as unknown as Principal;

function keeping(cacheSeconds = 60, status = 200) {
  const state = { epoch: 1 };
  const kept = new KeptScriptAnswers(state as AccessState);
  const script = create(ScriptSchema, { id: 1, hash: 1n, cacheSeconds });
  let runs = 0;
  const run = async (): Promise<Answer> => {
    runs++;
    return { status, headers: [], contentType: undefined, content: Buffer.from(String(runs)), isJson: true };
  };
  const ask = async (sent: Partial<Sent> = {}, principal = ANN): Promise<string> => {
    const answer = await kept.answer(script, apiRequestOf({ target: TARGET, ...sent }), principal, run);
    return Buffer.from(answer.content).toString();
  };
  return { ask, kept, state };
}

test.each<[why: string, first: Partial<Sent>, second: Partial<Sent>]>([
  ['the same', {}, {}],
  ['the same options', { target: `${TARGET}?x=1&y=2` }, { target: `${TARGET}?x=1&y=2` }],
  ['what browsers add', { target: `${TARGET}?x=1&_=17` }, { target: `${TARGET}?x=1&_=18` }],
])('%s is answered from memory', async (_why, first, second) => {
  const { ask } = keeping();
  expect([await ask(first), await ask(second)]).toEqual(['1', '1']);
});

test.each<[why: string, first: Partial<Sent>, second: Partial<Sent>, principal?: Principal]>([
  ['another path', {}, { target: '/api/v2/hello/b' }],
  ['another order of options', { target: `${TARGET}?x=1&y=2` }, { target: `${TARGET}?y=2&x=1` }],
  ['another verb', {}, { method: 'POST' }],
  ['a verb in a tunnel', {}, { headers: { 'x-http-method': 'PUT' }, method: 'POST' }],
  ['a body', {}, { body: '{}' }],
  ['another caller', {}, {}, BOB],
])('%s is not', async (_why, first, second, principal = ANN) => {
  const { ask } = keeping();
  expect([await ask(first), await ask(second, principal)]).toEqual(['1', '2']);
});

test.each([
  ['not asked for', 0, 200],
  ['no answer that is good', 60, 404],
])('nothing is kept: %s', async (_why, seconds, status) => {
  const { ask } = keeping(seconds, status);
  expect([await ask(), await ask()]).toEqual(['1', '2']);
});

test('a change in the system, and whoever says so, makes it forget', async () => {
  const { ask, kept, state } = keeping();
  await ask();
  state.epoch = 2;
  expect([await ask(), await ask()]).toEqual(['2', '2']);
  kept.forget();
  expect(await ask()).toBe('3');
});
