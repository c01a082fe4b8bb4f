import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { DataConnector, OperationSchema, type Reply, ShapeSchema } from '#proto/data/v1/data_pb.ts';
import { OPERATION_BYTES_MAX, STREAM_ANSWER_BYTES_MAX, STREAM_IN_FLIGHT_MAX } from '../bounds.ts';
import { callerGone, Deadline } from '../deadline.ts';
import { invalid, MillraceError } from '../errors.ts';
import { Channel } from '../grpc/channel.ts';
import { connect, echo, HoldingConnector, operationOf, resultOf, serve, textOf, turn } from '../testing/exchange.ts';

const soon = (): Deadline => Deadline.after(30_000);
const codeOf = (error: unknown): string => (error instanceof MillraceError ? error.code : String(error));

describe('calls', () => {
  test('many at once each get their own answer', async () => {
    const client = connect(await serve(echo));
    const names = Array.from({ length: 3000 }, (_, i) => `call ${i}`);
    const answers = await Promise.all(names.map((name) => client.send(operationOf(name), soon())));
    expect(answers.map(({ result }) => textOf(result.json))).toEqual(names);
    expect(client.inFlight).toBe(0);
  });

  test('a slow one holds nobody back', async () => {
    const connector = new HoldingConnector();
    const client = connect(await serve(connector));
    const slow = client.send(operationOf('slow'), soon());
    const quick = client.send(operationOf('quick'), soon());
    (await connector.call('quick')).answer();
    expect(textOf((await quick).result.json)).toBe('quick');
    (await connector.call('slow')).answer();
    expect(textOf((await slow).result.json)).toBe('slow');
  });

  const FAILURES = [
    { why: 'of the family, with its facts', thrown: invalid('No.', { field: 'id' }), code: 'invalid', message: 'No.' },
    { why: 'a stranger tells nothing', thrown: new Error('at 10.0.0.1'), code: 'internal', message: /^An unexpected/ },
    {
      why: 'facts that JSON cannot hold are left out',
      thrown: invalid('No.', { id: 1n }),
      code: 'invalid',
      message: 'No.',
    },
  ];
  test.each(FAILURES)('one fails alone: $why', async ({ thrown, code, message }) => {
    const connector = new HoldingConnector();
    const client = connect(await serve(connector));
    const good = client.send(operationOf('good'), soon());
    const bad = client.send(operationOf('bad'), soon());
    (await connector.call('bad')).fail(thrown);
    await expect(bad).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    (await connector.call('good')).answer();
    expect(textOf((await good).result.json)).toBe('good');
  });

  test('an operation without a shape is refused alone', async () => {
    const client = connect(await serve(echo));
    const shapeless = client.send(create(OperationSchema, {}), soon());
    const good = client.send(operationOf('good'), soon());
    await expect(shapeless).rejects.toMatchObject({ code: 'invalid' });
    expect(textOf((await good).result.json)).toBe('good');
  });

  test('a large answer leaves the stream and is fetched once', async () => {
    const large = 'x'.repeat(STREAM_ANSWER_BYTES_MAX + 1);
    const client = connect(await serve({ execute: async () => resultOf(large) }));
    const { result, ticket = '' } = await client.send(operationOf('large'), soon());
    expect(result.json).toHaveLength(0);
    const chunks: Uint8Array[] = [];
    for await (const chunk of client.fetch(ticket)) chunks.push(chunk);
    expect(chunks.length).toBeGreaterThan(1);
    expect(textOf(Buffer.concat(chunks))).toBe(large);
    await expect(client.fetch(ticket).next()).rejects.toMatchObject({ code: 'not_found' });
  });

  test('who leaves in the middle of a large answer disturbs nobody', async () => {
    const large = 'x'.repeat(64 * STREAM_ANSWER_BYTES_MAX);
    const client = connect(await serve({ execute: async () => resultOf(large) }));
    const { ticket = '' } = await client.send(operationOf('large'), soon());
    for await (const chunk of client.fetch(ticket)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect((await client.send(operationOf('next'), soon())).ticket).toBeDefined();
  });

  test('the same without a stream, for people', async () => {
    const connector = new HoldingConnector();
    const { server } = await serve(connector);
    const channel = new Channel(DataConnector, { address: server.address, token: undefined, peer: 'test' });
    const form = { case: 'shape' as const, value: create(ShapeSchema, { service: 'db' }) };
    const call = (requestId: string, timeoutMs: number): Promise<Reply> =>
      channel.call('execute', create(OperationSchema, { form, requestId, timeoutMs }), 20_000);
    const patient = call('patient', 0xffffffff);
    const there = await connector.call('patient');
    const late = await call('late', 20);
    expect(late.outcome).toMatchObject({ case: 'error', value: { code: 'deadline' } });
    there.answer();
    expect((await patient).outcome).toEqual({ case: 'result', value: resultOf('patient') });
    channel.close();
  });
});

describe('who no longer waits', () => {
  test('a deadline that passes fails the call, and exactly this call ends at the other side', async () => {
    const connector = new HoldingConnector();
    const client = connect(await serve(connector));
    const late = client.send(operationOf('late'), Deadline.after(500));
    const patient = client.send(operationOf('patient'), soon());
    const [there, other] = await Promise.all([connector.call('late'), connector.call('patient')]);
    await expect(late).rejects.toMatchObject({ code: 'deadline' });
    await expect.poll(() => there.deadline.reason).toBeDefined();
    expect(other.deadline.reason).toBeUndefined();
    other.answer();
    expect(textOf((await patient).result.json)).toBe('patient');
  });

  test('a caller that goes away cancels at the other side long before the deadline', async () => {
    const connector = new HoldingConnector();
    const client = connect(await serve(connector));
    const deadline = soon();
    const gone = client.send(operationOf('gone'), deadline);
    const there = await connector.call('gone');
    deadline.abort(callerGone());
    await expect(gone).rejects.toMatchObject({ code: 'cancelled' });
    await expect.poll(() => there.deadline.reason?.code).toBe('cancelled');
    expect(client.inFlight).toBe(0);
  });

  test('a caller that goes away before its call was sent: the other side never hears of it', async () => {
    const connector = new HoldingConnector();
    const client = connect(await serve(connector));
    const deadline = soon();
    const gone = client.send(operationOf('gone'), deadline);
    deadline.abort(callerGone());
    const next = client.send(operationOf('next'), soon());
    await expect(gone).rejects.toMatchObject({ code: 'cancelled' });
    (await connector.call('next')).answer();
    await next;
    expect(connector.held).toHaveLength(1);
  });

  test('a deadline that ends after its answer came touches no later call', async () => {
    const connector = new HoldingConnector();
    const client = connect(await serve(connector));
    const deadline = soon();
    const first = client.send(operationOf('first'), deadline);
    (await connector.call('first')).answer();
    await first;
    const second = client.send(operationOf('second'), soon());
    const there = await connector.call('second');
    deadline.abort(callerGone());
    const third = client.send(operationOf('third'), soon()); // a cancel would travel before or with it
    (await connector.call('third')).answer();
    await third;
    expect(there.deadline.reason).toBeUndefined();
    there.answer();
    expect(textOf((await second).result.json)).toBe('second');
  });

  test.each([
    { how: 'an answer', end: 'answer' },
    { how: 'an error', end: 'fail' },
    { how: 'the end of the line', end: 'close' },
  ])('after $how nothing listens to the deadline any more', async ({ end }) => {
    const connector = new HoldingConnector();
    const client = connect(await serve(connector));
    const deadline = soon();
    let listening = 0;
    const onAbort = deadline.onAbort.bind(deadline);
    deadline.onAbort = (listener) => {
      listening += 1;
      const forget = onAbort(listener);
      return () => {
        listening -= 1;
        forget();
      };
    };
    const call = client.send(operationOf('call'), deadline);
    const there = await connector.call('call');
    expect(listening).toBe(1);
    if (end === 'answer') there.answer();
    else if (end === 'fail') there.fail(invalid('No.'));
    else client.close();
    await call.catch(() => {});
    expect(listening).toBe(0);
  });

  test('a deadline that has passed is not sent at all', async () => {
    const connector = new HoldingConnector();
    const client = connect(await serve(connector));
    const deadline = soon();
    deadline.abort(callerGone());
    await expect(client.send(operationOf('gone'), deadline)).rejects.toMatchObject({ code: 'cancelled' });
    expect(client.inFlight).toBe(0);
  });

  test('a router that goes away ends its calls at the connector', async () => {
    const connector = new HoldingConnector();
    const { server, service } = await serve(connector);
    const channel = new Channel(DataConnector, {
      address: server.address,
      token: undefined,
      peer: 'test',
      codecs: service.codecs ?? new Map(),
    });
    const stream = channel.duplex('exchange');
    stream.on('error', () => {});
    stream.write({ $typeName: 'millrace.data.v1.Batch', operations: [operationOf('orphan')], cancels: [] });
    const there = await connector.call('orphan');
    stream.cancel();
    await expect.poll(() => there.deadline.reason?.code).toBe('cancelled');
    channel.close();
  });
});

describe('a line that is lost', () => {
  test('fails all that wait as unavailable, and is made anew by the next call', async () => {
    const connector = new HoldingConnector();
    const first = await serve(connector);
    const client = connect(first);
    const waiting = Array.from({ length: 20 }, (_, i) => client.send(operationOf(`lost ${i}`), soon()));
    const ends = Promise.all(waiting.map((call) => call.catch((error: unknown) => error)));
    await connector.call('lost 19');
    await first.server.close();
    for (const error of await ends) {
      expect(error).toMatchObject({ code: 'unavailable', cause: expect.anything() });
    }
    expect(client.inFlight).toBe(0);
    await serve(echo, first.server.address);
    const again = async () => textOf((await client.send(operationOf('again'), soon())).result.json);
    await expect.poll(() => again().catch(codeOf)).toBe('again');
  });

  test('nobody there: unavailable, and no address in the message', async () => {
    const gone = await serve(echo);
    await gone.server.close();
    const refused = connect(gone).send(operationOf('call'), soon());
    await expect(refused).rejects.toMatchObject({ code: 'unavailable', message: expect.not.stringMatching(/\d/) });
  });

  test('a client that is left fails what waits and takes nothing new', async () => {
    const connector = new HoldingConnector();
    const client = connect(await serve(connector));
    const waiting = client.send(operationOf('waiting'), soon());
    await connector.call('waiting');
    client.close();
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
    await expect(client.send(operationOf('new'), soon())).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('bounds', () => {
  test('as many in flight as a stream may hold, then overloaded, then room again', async () => {
    const connector = new HoldingConnector();
    const client = connect(await serve(connector));
    const calls = Array.from({ length: STREAM_IN_FLIGHT_MAX }, (_, i) => client.send(operationOf(`${i}`), soon()));
    await expect(client.send(operationOf('more'), soon())).rejects.toMatchObject({ code: 'overloaded' });
    await connector.call(`${STREAM_IN_FLIGHT_MAX - 1}`);
    for (const call of connector.held) call.answer();
    const answers = await Promise.all(calls);
    expect(answers.map(({ result }) => textOf(result.json))).toEqual(calls.map((_, i) => `${i}`));
    const next = client.send(operationOf('next'), soon());
    (await connector.call('next')).answer();
    await next;
  });

  test('records too large for a message are refused here, and hurt no other call', async () => {
    const client = connect(await serve(echo));
    const huge = client.send(operationOf('huge', new Uint8Array(OPERATION_BYTES_MAX + 1)), soon());
    const good = client.send(operationOf('good'), soon());
    await expect(huge).rejects.toMatchObject({ code: 'limited' });
    expect(textOf((await good).result.json)).toBe('good');
  });

  test('much at once goes in pieces, in both directions', async () => {
    const piece = 200 * 1024;
    const client = connect(await serve({ execute: async ({ records }) => resultOf(textOf(records)) }));
    const calls = Array.from({ length: 100 }, (_, i) =>
      client.send(operationOf(`${i}`, Buffer.alloc(piece, 97 + (i % 26))), soon()),
    );
    const answers = await Promise.all(calls);
    expect(answers.map(({ result }) => `${result.json.length} ${result.json[0]}`)).toEqual(
      calls.map((_, i) => `${piece} ${97 + (i % 26)}`),
    );
  });
});

describe('drain', () => {
  test('what is in flight is answered, what is new is refused at once, and then the stop ends', async () => {
    const connector = new HoldingConnector();
    const served = await serve(connector);
    const client = connect(served);
    const accepted = client.send(operationOf('accepted'), soon());
    const there = await connector.call('accepted');
    served.service.drain();
    const stopped = served.server.drain(AbortSignal.timeout(20_000));
    const refused = client.send(operationOf('new'), soon());
    await expect(refused).rejects.toMatchObject({ code: 'unavailable', cause: expect.anything() });
    there.answer();
    expect(textOf((await accepted).result.json)).toBe('accepted');
    await stopped;
    expect(connector.held).toHaveLength(1);
    await expect(client.send(operationOf('later'), soon())).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a stop that takes too long ends what is in flight', async () => {
    const connector = new HoldingConnector();
    const served = await serve(connector);
    const client = connect(served);
    const accepted = client.send(operationOf('accepted'), soon());
    const there = await connector.call('accepted');
    served.service.drain();
    await Promise.all([
      served.server.drain(AbortSignal.timeout(50)),
      expect(accepted).rejects.toMatchObject({ code: 'unavailable' }),
    ]);
    await expect.poll(() => there.deadline.reason?.code).toBe('cancelled');
  });

  test('a stream that comes late is refused', async () => {
    const served = await serve(echo);
    served.service.drain();
    await turn();
    await expect(connect(served).send(operationOf('late'), soon())).rejects.toMatchObject({ code: 'unavailable' });
  });
});
