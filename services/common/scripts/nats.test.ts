import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { connect } from 'nats';
import pino from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { RunBatchReplySchema, RunBatchSchema } from '#proto/script/v1/script_pb.ts';
import { type RunningNats, startNats } from '../../../deploy/testing/nats.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { Deadline } from '../deadline.ts';
import { doneReply, echo, Holding, runOf, textOf } from './conformance/runs.ts';
import { ask } from './conformance/suite.ts';
import { natsSettings, natsTransport, type Transport } from './conformance/transport.ts';
import { NatsLine } from './nats-line.ts';
import { NatsLink } from './nats-link.ts';

const KIB = 1024;
const PAYLOAD_MAX = 64 * KIB;

function opened(server: RunningNats): Transport {
  const transport = natsTransport(server.url);
  onTestFinished(() => transport.close());
  return transport;
}

suiteWith('nats', 'what only NATS has', () => {
  let server: RunningNats;
  beforeAll(async () => {
    server = await startNats({ settings: { max_payload: '64KB' } });
  });
  afterAll(() => server.stop());

  test('a run that is larger than a message may be is refused alone, and says how large it may be', async () => {
    const transport = opened(server);
    await transport.worker(echo);
    const line = await transport.line();
    const huge = line.send(runOf('huge', Buffer.alloc(PAYLOAD_MAX)), Deadline.after(5000));
    const neighbours = ['a', 'b'].map((name) => ask(line, name));
    await expect(huge).rejects.toMatchObject({ code: 'limited', message: expect.stringContaining(`${PAYLOAD_MAX}`) });
    expect(await Promise.all(neighbours)).toEqual(['a', 'b']);
    expect(line.inFlight).toBe(0);
  });

  test('runs that do not fit one message together go in several', async () => {
    const transport = opened(server);
    await transport.worker(echo);
    const line = await transport.line();
    // Characters of three bytes each: more than was thought.
    const runs = Array.from({ length: 40 }, (_, i) => {
      const run = runOf(`${i}`, Buffer.alloc(5 * KIB));
      if (run.event?.request) run.event.request.uri = '€'.repeat(8 * KIB);
      return run;
    });
    const answers = await Promise.all(runs.map((run) => line.send(run, Deadline.after(5000))));
    expect(answers.map(textOf)).toEqual(runs.map(({ requestId }) => requestId));
  });

  test('what a script gives back that is too large fails this run, those beside it arrive', async () => {
    const transport = opened(server);
    const sizes = new Map([
      ['huge', PAYLOAD_MAX],
      ...Array.from({ length: 10 }, (_, i) => [`${i}`, 20 * KIB] as const),
    ]);
    await transport.worker(({ requestId }) => doneReply('x'.repeat(sizes.get(requestId) ?? 0)));
    const line = await transport.line();
    const lengths = [...sizes.keys()].map(async (name) =>
      (await ask(line, name)).replace(/^x+$/, (x) => `${x.length}`),
    );
    expect(await Promise.all(lengths)).toEqual(['failure CAPPED', ...Array.from({ length: 10 }, () => `${20 * KIB}`)]);
  });

  test('anyone may ask: a batch with any reply subject is answered there', async () => {
    const transport = opened(server);
    await transport.worker(echo);
    const { host, port, user, password } = server;
    const person = await connect({ servers: `${host}:${port}`, user, pass: password });
    onTestFinished(() => person.close());
    const batch = toBinary(RunBatchSchema, create(RunBatchSchema, { runs: [{ ...runOf('hello'), id: 5 }] }));
    const answer = await person.request('millrace.script.v1.quick', batch, { timeout: 5000 });
    const { replies } = fromBinary(RunBatchReplySchema, answer.data);
    expect(replies.map((reply) => `${reply.id} ${textOf(reply)}`)).toEqual(['5 hello']);
  });

  test('what is no message of ours ends nothing', async () => {
    const transport = opened(server);
    await transport.worker(echo);
    const line = await transport.line();
    const { host, port, user, password } = server;
    const stranger = await connect({ servers: `${host}:${port}`, user, pass: password });
    onTestFinished(() => stranger.close());
    stranger.publish('millrace.script.v1.quick', Buffer.from([0xff, 0xff]), { reply: '_INBOX.none' });
    stranger.publish('millrace.script.v1.quick', Buffer.from([0xff, 0xff]));
    await stranger.flush();
    expect(await ask(line, 'next')).toBe('next');
  });

  test('a wrong password: unavailable at once, no end of the process, and no secret in the log', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
    const link = new NatsLink(natsSettings(server.url.replace(server.password, 'wrong')), log);
    const line = new NatsLine(link, 'quick');
    await expect.poll(() => lines.length).toBeGreaterThan(0);
    await expect(line.send(runOf('x'), Deadline.after(5000))).rejects.toMatchObject({ code: 'unavailable' });
    line.close();
    await link.close();
    expect(lines.join()).not.toContain('wrong');
  });
});

suiteWith('nats', 'a NATS server that is lost', () => {
  let server: RunningNats;
  beforeAll(async () => {
    server = await startNats();
  });
  afterAll(() => server.stop());

  test('what is in flight fails at once, workers end it, and all goes on when the server is back', async () => {
    const holding = new Holding();
    const transport = opened(server);
    let handler = holding.handler;
    await transport.worker((run, deadline) => handler(run, deadline));
    const line = await transport.line();
    const sent = Array.from({ length: 50 }, (_, i) => ask(line, `${i}`));
    const there = await holding.run('49');
    const killedAt = performance.now();
    await server.kill();
    expect(new Set(await Promise.all(sent))).toEqual(new Set(['unavailable']));
    expect(performance.now() - killedAt).toBeLessThan(1000);
    await expect.poll(() => there.deadline.reason?.code).toBe('cancelled');
    expect(await ask(line, 'meanwhile')).toBe('unavailable');
    await server.restart();
    handler = echo;
    await expect.poll(() => ask(line, 'again'), { timeout: 10_000 }).toBe('again');
  });
});
