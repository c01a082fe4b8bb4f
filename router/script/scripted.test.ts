/** Scripts around a call, by a worker that does as the test says. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import { bitOf, EVENT_MEMBERS, Member } from '#common/scripts/members.ts';
import { Failure_Kind, Lane, Phase, type Run, type RunReply, RunReplySchema } from '#proto/script/v1/script_pb.ts';
import { type AccessInit, rule, stateWithRole, tokenOf, type UpdateInit } from '../testing/access.ts';
import { BehindDoor } from '../testing/behind-door.ts';

const HEADERS = {
  'x-dreamfactory-api-key': 'key',
  authorization: `Bearer ${tokenOf()}`,
  'content-type': 'application/json',
};
const LINES = 'application/x-ndjson';
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const done = (left: { request?: unknown; response?: unknown; returned?: unknown } = {}): RunReply =>
  create(RunReplySchema, {
    outcome: {
      case: 'done',
      value: {
        ...(left.request !== undefined && { requestJson: json(left.request) }),
        ...(left.response !== undefined && { responseJson: json(left.response) }),
        ...(left.returned !== undefined && { returnedJson: json(left.returned) }),
      },
    },
  });
const failed = (kind: Failure_Kind, message = '', thrown?: unknown): RunReply => {
  const value = { kind, message, ...(thrown !== undefined && { thrownJson: json(thrown) }) };
  return create(RunReplySchema, { outcome: { case: 'failure', value } });
};

interface Script {
  readonly on: string;
  readonly does: (run: Run) => RunReply;
  readonly mayModify?: boolean;
  readonly optional?: boolean;
}

/** A product whose scripts are these. */
function behind(scripts: readonly Script[], { rules = [rule('*')], answer = '[{"id":1}]' } = {}) {
  const runs: Run[] = [];
  const eventScripts: UpdateInit['eventScripts'] = scripts.map(({ on, mayModify = true, optional = false }, index) => ({
    id: index + 1,
    name: `db.${on}`,
    allowEventModification: mayModify,
    optional,
    script: { kind: 1, id: index + 1, name: `db.${on}`, type: 'nodejs', hash: BigInt(index + 1) },
  }));
  const state = stateWithRole(rules as AccessInit[], { eventScripts });
  const door = new BehindDoor(state, {
    json: answer,
    scripts: (run) => {
      runs.push(run);
      return (scripts[(run.script?.id ?? 0) - 1] as Script).does(run);
    },
  });
  const send = (method: string, target: string, body = '', headers: Record<string, string> = {}) => {
    const streamed = headers['content-type'] === LINES;
    return door.send({ method, target: `/api/v2/db/${target}`, body, streamed, headers: { ...HEADERS, ...headers } });
  };
  return { send, runs, queued: door.queued };
}

const PRE = '_table.todo.get.pre_process';
const POST = '_table.todo.get.post_process';

describe('before the call', () => {
  test('a script sees the request', async () => {
    const { send, runs } = behind([{ on: '_table.todo.post.pre_process', does: () => done() }]);
    await send('POST', '_table/todo?fields=*', '[{"a":1}]');
    const event = runs[0]?.event;
    expect(event).toMatchObject({ name: 'db._table.todo.post.pre_process', phase: Phase.PRE_PROCESS });
    expect(event?.response).toBeUndefined();
    expect(event?.request).toMatchObject({
      method: 'POST',
      uri: '/api/v2/db/_table/todo?fields=*',
      service: 'db',
      resource: '_table/todo?fields=*',
      query: 'fields=*',
    });
    expect(Buffer.from(event?.request?.content ?? []).toString()).toBe('[{"a":1}]');
    expect(JSON.parse(Buffer.from(event?.request?.headersJson ?? []).toString())).toMatchObject(HEADERS);
    expect(JSON.parse(Buffer.from(runs[0]?.sessionJson ?? []).toString())).toMatchObject({
      api_key: 'key',
      user: { id: 5, email: 'ann@a.example' },
      role: { name: 'Clerk' },
    });
  });

  test('general scripts run before specific ones, and all before the call', async () => {
    const order: string[] = [];
    const note = (on: string): Script => ({ on, does: () => [order.push(on), done()][1] as RunReply });
    const { send } = behind([note(POST), note(PRE), note('_table.{table_name}.get.pre_process')]);
    await send('GET', '_table/Todo');
    expect(order).toEqual(['_table.{table_name}.get.pre_process', PRE, POST]);
  });

  test('what it changes is what the service gets', async () => {
    const request = { parameters: { limit: '2' }, payload: { resource: [{ a: 2 }] } };
    const { send } = behind([{ on: '_table.todo.post.pre_process', does: () => done({ request }) }]);
    const { travelled } = await send('POST', '_table/todo', '[{"a":1}]');
    expect(Buffer.from(travelled[0]?.operation.records ?? []).toString()).toBe('[{"a":2}]');
  });

  test('unless its record does not allow it', async () => {
    const script = { on: PRE, mayModify: false, does: () => done({ response: { status_code: 202, content: 1 } }) };
    expect((await behind([script]).send('GET', '_table/todo')).status).toBe(200);
  });

  test('an answer of its own skips the service', async () => {
    const response = { status_code: 402, content: { pay: 1 } };
    const { send } = behind([{ on: PRE, does: () => done({ response }) }]);
    const { status, body, travelled } = await send('GET', '_table/todo');
    expect([status, JSON.parse(body), travelled]).toEqual([402, { pay: 1 }, []]);
  });

  test('another verb needs the right to it', async () => {
    const does = () => done({ request: { method: 'DELETE' } });
    const { send } = behind([{ on: PRE, does }], { rules: [rule('*', { verbMask: 1 })] });
    const { status, travelled } = await send('GET', '_table/todo?filter=a%3D1');
    expect([status, travelled]).toEqual([403, []]);
  });

  test('what it throws is a 500 with its words and code, which scripts behind the call see', async () => {
    const { send, runs } = behind([
      { on: PRE, mayModify: false, does: () => failed(Failure_Kind.THROWN, 'boom', { code: 77 }) },
      { on: POST, does: () => done() },
    ]);
    const { status, body, travelled } = await send('GET', '_table/todo');
    expect([status, travelled]).toEqual([500, []]);
    expect(JSON.parse(body)).toEqual({ error: { code: 77, context: null, message: 'boom', status_code: 500 } });
    expect(runs[1]?.event?.response?.statusCode).toBe(500);
  });
});

describe('what workers have told', () => {
  const QUERY = bitOf(Member.TOLD) | bitOf(Member.QUERY);
  const quick = (reply: RunReply, more: Partial<RunReply> = {}): RunReply => ({
    ...reply,
    next: Lane.QUICK,
    reads: QUERY,
    ...more,
  });

  test('outcomes that may be remembered are, for calls that look the same to the script', async () => {
    const response = { status_code: 202, content: { a: 1 } };
    const { send, runs } = behind([{ on: PRE, does: () => quick(done({ response }), { repeatable: true }) }]);
    const bodies = [];
    for (const target of ['_table/todo', '_table/todo', '_table/todo?limit=1'])
      bodies.push((await send('GET', target)).body);
    expect([runs.length, new Set(bodies)]).toEqual([2, new Set(['{"a":1}'])]);
  });

  test('no others are', async () => {
    const { send, runs } = behind([{ on: PRE, does: () => quick(done()) }]);
    for (let call = 0; call < 3; call++) await send('GET', '_table/todo');
    expect(runs).toHaveLength(3);
  });

  test('what a script never looks at is not sent', async () => {
    const { send, runs } = behind([{ on: PRE, does: () => quick(done()) }]);
    for (let call = 0; call < 2; call++) await send('GET', '_table/todo?limit=1');
    const [first, second] = runs as [Run, Run];
    expect(first).toMatchObject({ event: { absent: 0 }, sessionId: second.sessionId });
    expect(second).toMatchObject({ event: { request: { query: 'limit=1', uri: '' } }, sessionJson: new Uint8Array() });
    expect(second.event?.absent).toBe(EVENT_MEMBERS & ~QUERY);
  });

  test('until it does: then all is sent again', async () => {
    let call = 0;
    const lacking = create(RunReplySchema, { outcome: { case: 'elsewhere', value: Lane.QUICK } });
    const { send, runs } = behind([{ on: PRE, does: () => (++call === 2 ? lacking : quick(done())) }]);
    for (let time = 0; time < 2; time++) expect((await send('GET', '_table/todo')).status).toBe(200);
    expect(runs.map((run) => run.event?.absent === 0)).toEqual([true, false, true]);
  });
});

describe('behind the call', () => {
  test('a script changes the answer, which is then shown as was asked', async () => {
    const response = { status_code: 200, content: { resource: [{ id: 2 }] } };
    const { send, runs } = behind([{ on: POST, does: () => done({ response }) }]);
    const { headers, body } = await send('GET', '_table/todo?limit=5', '', { accept: 'text/csv' });
    expect(body.trim().split('\n')).toEqual(['id', '2']);
    expect(headers.find(([name]) => name === 'Content-Type')?.[1]).toContain('text/csv');
    const { content, isJson } = runs[0]?.event?.response ?? {};
    expect([Buffer.from(content ?? []).toString(), isJson]).toEqual(['{"resource":[{"id":1}]}', true]);
  });

  test('headers of the answer stay, once each', async () => {
    const { send } = behind([{ on: POST, does: () => done() }]);
    const { headers } = await send('GET', '_table/todo');
    const names = headers.map(([name]) => name.toLowerCase());
    expect(names).toContain('x-request-id');
    expect(new Set(names).size).toBe(names.length);
  });

  test('it sees what the service refuses, and may say it otherwise', async () => {
    const { send } = behind([{ on: POST, does: () => done({ returned: { status_code: 422, content: 'no' } }) }]);
    expect(await send('GET', '_table/todo?filter=(((')).toMatchObject({ status: 422, body: 'no' });
  });
});

describe('lists without an end', () => {
  const ONES = '[{"id":1},{"id":7}]';
  const hidden = { response: { status_code: 200, content: { resource: [{ id: 2 }] } } };
  const typeOf = (headers: readonly (readonly [string, string])[]): string =>
    headers.find(([name]) => name === 'Content-Type')?.[1] ?? '';

  test.each([
    ['application/x-ndjson', '{"id":2}\n'],
    ['text/csv', 'id\n2\n'],
  ])('as %s are held for a script that may change them', async (accept, expected) => {
    const { send, runs } = behind([{ on: POST, does: () => done(hidden) }], { answer: ONES });
    const { status, headers, body } = await send('GET', '_table/todo', '', { accept });
    expect([status, body, typeOf(headers)]).toEqual([200, expected, expect.stringContaining(accept)]);
    expect(Buffer.from(runs[0]?.event?.response?.content ?? []).toString()).toBe(`{"resource":${ONES}}`);
  });

  test('pass by one that may but look', async () => {
    const { send, runs } = behind([{ on: POST, mayModify: false, does: () => done() }], { answer: ONES });
    const { body } = await send('GET', '_table/todo', '', { accept: LINES });
    expect([body, runs]).toEqual(['{"id":1}\n{"id":7}\n', []]);
  });

  test('are refused where they are too long to be held', async () => {
    const answer = JSON.stringify(Array.from({ length: 11 }, () => ({ text: 'x'.repeat(1024 * 1024) })));
    const { send } = behind([{ on: POST, does: () => done() }], { answer });
    const { status, body } = await send('GET', '_table/todo', '', { accept: LINES });
    expect([status, body]).toEqual([400, expect.stringContaining('limit and offset')]);
  });
});

describe('imports', () => {
  const BEFORE = '_table.todo.post.pre_process';
  const AFTER = '_table.todo.post.post_process';
  const IMPORT = { 'content-type': LINES };
  const importedOf = ({ travelled }: { travelled: readonly { imported?: string }[] }) =>
    travelled.map(({ imported }) => imported);

  test('are held for a script before them, which sees their records', async () => {
    const { send, runs } = behind([{ on: BEFORE, mayModify: false, does: () => done() }], { answer: '{"count":2}' });
    const answer = await send('POST', '_table/todo', '{"a":1}\n\n{"a":9007199254740993}', IMPORT);
    const { content, contentType } = runs[0]?.event?.request ?? {};
    expect([Buffer.from(content ?? []).toString(), contentType]).toEqual([
      '{"resource":[{"a":1},{"a":9007199254740993}]}',
      'application/json',
    ]);
    expect([answer.status, importedOf(answer)]).toEqual([200, ['{"a":1}\n{"a":9007199254740993}\n']]);
  });

  test('what it changes is what is written', async () => {
    const request = { payload: { resource: [{ a: 2 }] } };
    const answer = await behind([{ on: BEFORE, does: () => done({ request }) }]).send(
      'POST',
      '_table/todo',
      '{"a":1}\n',
      IMPORT,
    );
    expect(importedOf(answer)).toEqual(['{"a":2}\n']);
  });

  test('what it throws, nothing is written', async () => {
    const { send } = behind([{ on: BEFORE, mayModify: false, does: () => failed(Failure_Kind.THROWN, 'no') }]);
    expect(await send('POST', '_table/todo', '{"a":1}\n', IMPORT)).toMatchObject({ status: 500, travelled: [] });
  });

  test('another verb that it gives knows no import', async () => {
    const does = () => done({ request: { method: 'PATCH' } });
    const { status, travelled } = await behind([{ on: BEFORE, does }]).send(
      'POST',
      '_table/todo',
      '{"id":1}\n',
      IMPORT,
    );
    expect([status, travelled[0]?.shape.action.case, travelled[0]?.imported]).toEqual([200, 'update', undefined]);
  });

  test.each([
    ['a line that is no JSON', '{"a":1}\n{"a":\n', 'Line 2'],
    ['a line that ends the list', '{"a":1}],"resource":[{"a":2}\n', 'Line 1'],
    ['more than is held', `{"a":"${'x'.repeat(1000)}"}\n`, 'in parts'],
  ])('%s: no script runs, and nothing is written', async (_why, body, reason) => {
    const { send, runs } = behind([{ on: BEFORE, does: () => done() }]);
    const answer = await send('POST', '_table/todo', body, IMPORT);
    expect([answer.status, answer.travelled, runs]).toEqual([400, [], []]);
    expect(answer.body).toContain(reason);
  });

  test('what was held is given back', async () => {
    const { send } = behind([{ on: BEFORE, does: () => done() }]);
    for (let i = 0; i < 5; i++) {
      expect((await send('POST', '_table/todo', `{"a":"${'x'.repeat(900)}"}\n`, IMPORT)).status).toBe(200);
    }
  });

  test('are written as they arrive where scripts run only behind them', async () => {
    const { send, runs } = behind([{ on: AFTER, does: () => done() }]);
    const answer = await send('POST', '_table/todo', '{"a":1}\n', IMPORT);
    expect([answer.status, importedOf(answer)]).toEqual([200, ['{"a":1}\n']]);
    expect(runs[0]?.event?.request?.content.length).toBe(0);
  });
});

describe('where scripts cannot run', () => {
  const lost = (): RunReply => {
    throw new MillraceError('unavailable', 'gone', undefined, new Error('line lost'));
  };

  test.each([
    ['no worker', lost],
    ['its worker died', () => failed(Failure_Kind.LOST)],
    ['too many run', () => failed(Failure_Kind.BUSY)],
  ])('%s: 503, and when to come back; nothing was done', async (_why, does) => {
    const { status, headers, travelled } = await behind([{ on: PRE, does }]).send('GET', '_table/todo');
    expect([status, travelled]).toEqual([503, []]);
    expect(headers).toContainEqual(['Retry-After', '1']);
  });

  test('an event that is too large to travel is no matter of waiting', async () => {
    const tooLarge = (): RunReply => {
      throw new MillraceError('limited', 'at most 5 bytes');
    };
    const { status, headers, body } = await behind([{ on: PRE, does: tooLarge }]).send('GET', '_table/todo');
    expect([status, body]).toEqual([500, expect.stringContaining('at most 5 bytes')]);
    expect(headers.map(([name]) => name)).not.toContain('Retry-After');
  });

  test.each([
    ['GET', 503],
    ['DELETE', 500],
  ])('behind a %s: %d, which says of a write that it is done', async (method, expected) => {
    const on = `_table.todo.${method.toLowerCase()}.post_process`;
    const { send } = behind([{ on, does: () => failed(Failure_Kind.LOST) }]);
    const { status, headers, body, travelled } = await send(method, '_table/todo?filter=a%3D1');
    expect([status, travelled.length]).toEqual([expected, 1]);
    const isDone = expected === 500;
    expect(headers.some(([name]) => name === 'Retry-After')).toBe(!isDone);
    expect(body.includes('The call is done')).toBe(isDone);
  });

  test('calls go on without one that is optional', async () => {
    const { send } = behind([
      { on: PRE, optional: true, does: lost },
      { on: POST, optional: true, does: lost },
    ]);
    expect((await send('GET', '_table/todo')).status).toBe(200);
  });

  test('calls that no script listens to are untouched', async () => {
    const { send, runs } = behind([{ on: PRE, does: lost }]);
    expect((await send('GET', '_table/other')).status).toBe(200);
    expect((await send('DELETE', '_table/todo?filter=a%3D1')).status).toBe(200);
    expect(runs).toEqual([]);
  });
});

test('lanes: what a quick worker could not do is done again', async () => {
  const next = Lane.QUICK;
  const replies = [create(RunReplySchema, { ...done(), next }), failed(Failure_Kind.LOST), done()];
  const { send, runs } = behind([{ on: PRE, does: () => replies.shift() as RunReply }]);
  for (const expected of [1, 3]) {
    expect((await send('GET', '_table/todo')).status).toBe(200);
    expect(runs).toHaveLength(expected);
  }
});

test('lanes: a script goes where its worker says, and comes back when it is none for that lane', async () => {
  const replies = [
    create(RunReplySchema, { ...done(), next: Lane.QUICK }),
    create(RunReplySchema, { outcome: { case: 'elsewhere', value: Lane.PATIENT } }),
    done(),
    done(),
  ];
  const { send, runs } = behind([{ on: PRE, does: () => replies.shift() as RunReply }]);
  for (const expected of [1, 3, 4]) {
    expect((await send('GET', '_table/todo')).status).toBe(200);
    expect(runs).toHaveLength(expected);
  }
});

describe('behind the answer', () => {
  test('queued scripts are left for later with what happened; the one without a suffix counts first', async () => {
    const never = (): RunReply => {
      throw new Error('nobody runs it now');
    };
    const { send, queued } = behind([
      { on: '_table.todo.get', does: never },
      { on: '_table.todo.get.queued', does: never },
      { on: '_table.{table_name}.get.queued', does: never },
    ]);
    expect((await send('GET', '_table/todo')).status).toBe(200);
    expect(queued.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'event db._table.{table_name}.get.queued',
      'event db._table.todo.get',
    ]);
    expect(queued[0]?.event).toMatchObject({ phase: Phase.QUEUED, response: { statusCode: 200 } });
  });

  test('also where the answer has passed by', async () => {
    const { send, queued } = behind([{ on: '_table.todo.get.queued', does: () => done() }]);
    expect((await send('GET', '_table/todo', '', { accept: 'application/x-ndjson' })).status).toBe(200);
    await expect.poll(() => queued.map(({ event }) => event?.response?.content.length)).toEqual([0]);
  });
});
