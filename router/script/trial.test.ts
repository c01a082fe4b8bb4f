import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { Failure_Kind, LogLine_Level, Phase, type Run, RunReplySchema } from '#proto/script/v1/script_pb.ts';
import { stateWithRole, tokenOf } from '../testing/access.ts';
import { BehindDoor } from '../testing/behind-door.ts';

const NAME = 'db._table.todo.post.post_process';

function trial(body: unknown, { isAdmin = true, reply = {} as object, stored = '{}', name = NAME } = {}) {
  const runs: Run[] = [];
  const users = [{ id: 5, email: 'ann@a.example', isActive: true, isSysAdmin: isAdmin }];
  const door = new BehindDoor(stateWithRole([{ component: '*', verbMask: 31, requestorMask: 3 }], { users }), {
    json: stored,
    scripts: (run) => {
      runs.push(run);
      return create(RunReplySchema, { outcome: { case: 'done', value: {} }, ...reply });
    },
  });
  const headers = {
    'x-dreamfactory-api-key': 'key',
    authorization: `Bearer ${tokenOf()}`,
    'content-type': 'application/json',
  };
  const target = `/api/v2/system/event_script/${name}/_test`;
  return door
    .send({ method: 'POST', target, body: JSON.stringify(body), headers })
    .then(({ status, body: answer }) => ({
      ...{ status, run: runs[0] },
      answer: JSON.parse(answer),
    }));
}

test('a script that is given runs against the event that is given', async () => {
  const event = {
    resource: 'todo',
    request: { payload: { a: 1 }, parameters: { limit: 3 }, headers: { 'x-a': 'b' } },
    response: { status_code: 201, content: { id: 1 } },
  };
  const { status, run, answer } = await trial(
    { content: 'return 5', type: 'v8js', config: { limits: { cpu_ms: 5 } }, event },
    {
      reply: {
        outcome: { case: 'done', value: { returnedJson: Buffer.from('5') } },
        logs: [{ level: LogLine_Level.WARN, text: 'hm' }],
        cpuMicros: 1500,
        memoryBytes: 4096n,
      },
    },
  );
  expect(status).toBe(200);
  expect(run?.script).toBeUndefined();
  expect(run?.trial).toMatchObject({ name: NAME, type: 'v8js', content: 'return 5' });
  expect(run?.event).toMatchObject({
    phase: Phase.POST_PROCESS,
    request: { method: 'POST', service: 'db', query: 'limit=3' },
    response: { statusCode: 201 },
  });
  expect(answer).toMatchObject({
    ...{ success: true, returned: 5, request: null, response: null },
    logs: [{ level: 'warn', text: 'hm' }],
    ...{ cpu_ms: 1.5, memory_bytes: 4096 },
  });
});

test('what is left out is taken from the script that is stored', async () => {
  const stored = JSON.stringify({ type: 'nodejs', content: '// stored', config: '{"optional":true}' });
  const { run } = await trial({}, { stored });
  expect(run?.trial).toMatchObject({ type: 'nodejs', content: '// stored' });
  expect(Buffer.from(run?.trial?.configJson ?? []).toString()).toBe('{"optional":true}');
});

test('a failure says what, and where', async () => {
  const value = { kind: Failure_Kind.THROWN, message: 'boom', line: 3, column: 7 };
  const { status, answer } = await trial(
    { content: '', type: 'v8js' },
    { reply: { outcome: { case: 'failure', value } } },
  );
  expect([status, answer.success, answer.error]).toEqual([
    200,
    false,
    { kind: 'thrown', message: 'boom', line: 3, column: 7, file: null },
  ]);
});

test.each([
  ['somebody who is no administrator', { content: '' }, { isAdmin: false }, 403],
  ['a type that is not run here', { content: '', type: 'php' }, {}, 400],
  ['content that is no text', { content: 5, type: 'v8js' }, {}, 400],
  ['an event that is none', { content: '', type: 'v8js', event: [] }, {}, 400],
])('refused: %s', async (_why, body, options, expected) => {
  const { status, run } = await trial(body, options);
  expect([status, run]).toEqual([expected, undefined]);
});
