/** What routers and workers may rely on, whatever carries the runs: every transport must pass. */
import { toBinary } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Run, type RunReply, RunSchema } from '#proto/script/v1/script_pb.ts';
import { MIB, SCRIPT_RUNS_BYTES_MAX } from '../../bounds.ts';
import { callerGone, Deadline } from '../../deadline.ts';
import { MillraceError } from '../../errors.ts';
import type { ScriptLine } from '../line.ts';
import { doneReply, echo, Holding, runOf, textOf } from './runs.ts';
import type { Transport } from './transport.ts';

const soon = (): Deadline => Deadline.after(30_000);

/** Text of the answer, or code of the error. */
export const ask = (line: ScriptLine, name: string, content?: Uint8Array): Promise<string> =>
  line.send(runOf(name, content), soon()).then(textOf, codeOf);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const codeOf = (error: unknown): string => (error instanceof MillraceError ? error.code : String(error));

export function transportConforms(open: () => Transport): void {
  let transport: Transport;
  beforeEach(() => {
    transport = open();
  });
  afterEach(() => transport.close());

  describe('runs', () => {
    test('10,000 are each answered once, whatever the order, and workers share them', async () => {
      const counts = [new Map<string, number>(), new Map<string, number>()];
      for (const count of counts) {
        await transport.worker((run) => {
          const name = run.requestId;
          count.set(name, (count.get(name) ?? 0) + 1);
          if (Number(name) % 3 === 0) return doneReply(name);
          return new Promise((resolve) => setTimeout(() => resolve(doneReply(name)), Number(name) % 7));
        });
      }
      const line = await transport.line();
      const answers: string[] = [];
      let next = 0;
      const asker = async (): Promise<void> => {
        while (next < 10_000) {
          const name = `${next++}`;
          expect(await ask(line, name)).toBe(name);
          answers.push(name);
        }
      };
      await Promise.all(Array.from({ length: 200 }, asker));
      expect(answers).toHaveLength(10_000);
      expect(line.inFlight).toBe(0);
      const [one = new Map(), other = new Map()] = counts;
      expect(one.size + other.size).toBe(10_000);
      expect(Math.max(...one.values(), ...other.values())).toBe(1);
      expect(Math.min(one.size, other.size)).toBeGreaterThan(2500);
    });

    test('a slow one holds nobody back', async () => {
      const holding = new Holding();
      await transport.worker(holding.handler);
      const line = await transport.line();
      const slow = ask(line, 'slow');
      const quick = ask(line, 'quick');
      (await holding.run('quick')).answer();
      expect(await quick).toBe('quick');
      expect(line.inFlight).toBe(1);
      (await holding.run('slow')).answer();
      expect(await slow).toBe('slow');
    });

    test('one fails alone, also where the handler breaks its word', async () => {
      await transport.worker((run) => {
        if (run.requestId === 'thrown') throw new Error('at 10.0.0.1');
        if (run.requestId === 'rejected') return Promise.reject(new Error('at 10.0.0.1'));
        return doneReply(run.requestId);
      });
      const line = await transport.line();
      const names = ['good', 'thrown', 'rejected', 'fine'];
      expect(await Promise.all(names.map((name) => ask(line, name)))).toEqual([
        'good',
        'failure LOST',
        'failure LOST',
        'fine',
      ]);
    });

    test('all of a run and of its reply arrives', async () => {
      let got: Run | undefined;
      await transport.worker((run) => {
        got = run;
        return doneReply('x');
      });
      const line = await transport.line();
      const run = runOf('whole', Buffer.from('{"a":"ä"}'));
      const { id, ...reply } = await line.send(run, soon());
      const { id: _, ...expected } = doneReply('x');
      expect(reply).toEqual(expected);
      const { timeoutMs = 0 } = got ?? {};
      expect(toBinary(RunSchema, got ?? runOf('none'))).toEqual(toBinary(RunSchema, { ...run, timeoutMs }));
      expect(timeoutMs).toBeGreaterThan(20_000);
      expect(id).toBe(run.id);
    });
  });

  describe('who no longer waits', () => {
    test('a deadline that passes fails the run, and exactly this run ends at the worker', async () => {
      const holding = new Holding();
      await transport.worker(holding.handler);
      const line = await transport.line();
      const late = line.send(runOf('late'), Deadline.after(500));
      const patient = ask(line, 'patient');
      const [there, other] = [await holding.run('late'), await holding.run('patient')];
      await expect(late).rejects.toMatchObject({ code: 'deadline' });
      await expect.poll(() => there.deadline.reason).toBeDefined();
      expect(other.deadline.reason).toBeUndefined();
      other.answer();
      expect(await patient).toBe('patient');
    });

    test('a caller that goes away cancels at the worker long before the deadline', async () => {
      const holding = new Holding();
      await transport.worker(holding.handler);
      const line = await transport.line();
      const deadline = soon();
      const gone = line.send(runOf('gone'), deadline);
      const there = await holding.run('gone');
      deadline.abort(callerGone());
      await expect(gone).rejects.toMatchObject({ code: 'cancelled' });
      await expect.poll(() => there.deadline.reason?.code).toBe('cancelled');
      expect(line.inFlight).toBe(0);
    });

    test('a caller that goes away before its run was sent: no worker hears of it', async () => {
      const holding = new Holding();
      await transport.worker(holding.handler);
      const line = await transport.line();
      const deadline = soon();
      const gone = line.send(runOf('gone'), deadline);
      deadline.abort(callerGone());
      const next = ask(line, 'next');
      await expect(gone).rejects.toMatchObject({ code: 'cancelled' });
      (await holding.run('next')).answer();
      await next;
      expect(holding.held).toHaveLength(1);
      await expect(line.send(runOf('never'), deadline)).rejects.toMatchObject({ code: 'cancelled' });
    });

    test('a line that is left fails what waits, here and at the worker, and takes nothing new', async () => {
      const holding = new Holding();
      await transport.worker(holding.handler);
      const line = await transport.line();
      const waiting = ask(line, 'waiting');
      const there = await holding.run('waiting');
      const answered = ask(line, 'answered');
      (await holding.run('answered')).answer();
      await answered;
      await line.close();
      expect(await waiting).toBe('unavailable');
      await expect.poll(() => there.deadline.reason?.code).toBe('cancelled');
      expect(await ask(line, 'new')).toBe('unavailable');
    });
  });

  describe('workers come and go', () => {
    const ENDS = [
      { why: 'killed with runs at work', word: 'hold' },
      { why: 'dead before it could say that it had them', word: 'exit' },
    ];
    test.each(ENDS)('one $why: unavailable within a second, and the next run goes to another', async ({ word }) => {
      const line = await transport.line();
      const victim = await transport.process();
      await expect.poll(() => ask(line, 'pid')).toBe(`${victim.pid}`);
      await transport.worker(echo);
      await expect.poll(() => ask(line, 'pid')).toBe('pid');
      const sent: Promise<unknown>[] = [];
      for (let i = 0; i < 40; i++) {
        sent.push(line.send(runOf(word), soon()).catch((error: unknown) => error));
        await turn(); // what leaves in one turn may go to one worker
      }
      const startedAt = performance.now();
      if (word === 'hold') await victim.kill();
      const lost = (await Promise.all(sent)).filter((outcome) => outcome instanceof Error);
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(lost.length).toBeGreaterThan(0);
      for (const error of lost) {
        expect(error).toMatchObject({ code: 'unavailable', cause: expect.anything() });
        expect(error.message).not.toMatch(/\d/);
      }
      for (let i = 0; i < 20; i++) expect(await ask(line, `${i}`)).toBe(`${i}`);
      expect(line.inFlight).toBe(0);
    });

    test('one that stands still for a while is not taken for dead, also when another dies', async () => {
      const line = await transport.line();
      const [slow, victim] = [await transport.process(), await transport.process()];
      const both = new Set([`${slow.pid}`, `${victim.pid}`]);
      await expect.poll(async () => both.delete(await ask(line, 'pid')) && both.size).toBe(0);
      const sent: Promise<string>[] = [];
      for (let i = 0; i < 12; i++) {
        sent.push(ask(line, 'block 150'));
        await turn();
      }
      await victim.kill();
      const answers = await Promise.all(sent);
      const good = answers.filter((answer) => answer === `blocked ${slow.pid}`);
      expect(good.length).toBeGreaterThan(0);
      expect(await ask(line, 'blocks')).toBe(`${good.length}`);
    });

    test('nobody there: unavailable at once; one that comes later is found', async () => {
      const line = await transport.line();
      const startedAt = performance.now();
      await expect(line.send(runOf('early'), soon())).rejects.toMatchObject({
        code: 'unavailable',
        cause: expect.anything(),
      });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      await transport.worker(echo);
      await expect.poll(() => ask(line, 'later')).toBe('later');
    });

    test('a stop in good order loses nothing', async () => {
      let stopped = false;
      const lateStarts: string[] = [];
      const counts = [0, 0];
      const worker = (i: number) =>
        transport.worker((run) => {
          counts[i] = (counts[i] ?? 0) + 1;
          if (i === 0 && stopped) lateStarts.push(run.requestId);
          return new Promise((resolve) =>
            setTimeout(() => resolve(doneReply(run.requestId)), Number(run.requestId) % 20),
          );
        });
      const [leaving] = [await worker(0), await worker(1)];
      const line = await transport.line();
      const answers: string[] = [];
      let next = 0;
      const asker = async (): Promise<void> => {
        while (next < 6000) {
          const name = `${next++}`;
          answers.push(`${name} ${await ask(line, name)}`);
          if (name === '3000') await leaving.drain().then(() => (stopped = true));
        }
      };
      await Promise.all(Array.from({ length: 100 }, asker));
      expect(answers.filter((answer) => new Set(answer.split(' ')).size > 1)).toEqual([]);
      expect(answers).toHaveLength(6000);
      expect(stopped).toBe(true);
      expect(lateStarts).toEqual([]);
      expect(Math.min(...counts)).toBeGreaterThan(100);
    });
  });

  describe('too much', () => {
    const CONTENT = Buffer.alloc(MIB / 2, 'x');

    test('a flood of large runs is refused beyond a bound, here and there, and hurts nobody afterwards', async () => {
      const line = await transport.line();
      const worker = await transport.process();
      // While it stands still, all that is sent to it waits somewhere.
      const blocked = ask(line, 'block 500');
      const count = (4 * SCRIPT_RUNS_BYTES_MAX) / CONTENT.length;
      const answers = await Promise.all(Array.from({ length: count }, (_, i) => ask(line, `n${i}`, CONTENT)));
      expect(await blocked).toBe(`blocked ${worker.pid}`);
      const refused = answers.filter((answer) => answer === 'overloaded');
      const taken = answers.filter((answer, i) => answer === `n${i}`);
      expect(refused.length + taken.length).toBe(count);
      expect(taken.length).toBeGreaterThan(10);
      expect(taken.length * CONTENT.length).toBeLessThanOrEqual(SCRIPT_RUNS_BYTES_MAX);
      expect(await ask(line, 'pid')).toBe(`${worker.pid}`);
      expect(Number(await ask(line, 'rss'))).toBeLessThan(600 * MIB);
    });

    test('a worker holds no more at one time than it can, whoever sends', async () => {
      const holding = new Holding();
      await transport.worker(holding.handler);
      const lines = [await transport.line(), await transport.line()];
      const perLine = SCRIPT_RUNS_BYTES_MAX / CONTENT.length - 2;
      let busy = 0;
      const askOne = async (line: ScriptLine, name: string): Promise<string> => {
        const answer = await ask(line, name, CONTENT);
        if (answer === 'failure BUSY') busy += 1;
        return answer;
      };
      const sent = lines.flatMap((line) => Array.from({ length: perLine }, (_, i) => askOne(line, `${i}`)));
      await expect.poll(() => holding.held.length + busy, { timeout: 20_000 }).toBe(sent.length);
      expect(holding.held.length * CONTENT.length).toBeLessThanOrEqual(SCRIPT_RUNS_BYTES_MAX);
      expect(busy).toBeGreaterThan(perLine / 2);
      for (const one of holding.held) one.answer();
      const good = (await Promise.all(sent)).filter((answer) => /^\d+$/.test(answer));
      expect(good).toHaveLength(holding.held.length);
    });

    test('as many in flight as a line may hold, then overloaded, then room again', async () => {
      const holding = new Holding();
      await transport.worker(holding.handler);
      const line = await transport.line();
      const sent: Promise<RunReply>[] = [];
      let refusal: unknown;
      // A line of several streams holds as many for each of them.
      while (!refusal) {
        const one = line.send(runOf(`${sent.length}`), soon());
        sent.push(one);
        one.catch((error: unknown) => {
          refusal = error;
        });
        if (sent.length % 1000 === 0) await turn();
      }
      expect(refusal).toMatchObject({ code: 'overloaded' });
      const settled = Promise.allSettled(sent);
      await expect
        .poll(() => {
          for (const one of holding.held) one.answer();
          return line.inFlight;
        })
        .toBe(0);
      const good = (await settled).filter(({ status }) => status === 'fulfilled');
      expect(good.length).toBe(holding.held.length);
      const next = ask(line, 'next');
      (await holding.run('next')).answer();
      expect(await next).toBe('next');
    });
  });
}
