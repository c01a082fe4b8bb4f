import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Component, startAll, stopOnSignal } from './component.ts';

/** A part that writes down what happens to it. */
function part(name: string, log: string[], faults: { drain?: Error; close?: Error } = {}): Component {
  const step = (what: 'drain' | 'close') => async (): Promise<void> => {
    log.push(`${what} ${name}`);
    if (faults[what]) throw faults[what];
  };
  return { name, drain: step('drain'), close: step('close') };
}

describe('startAll', () => {
  test('starts in order, drains and closes in reverse, one after the other', async () => {
    const log: string[] = [];
    const starter = (name: string) => async (): Promise<Component> => {
      log.push(`start ${name}`);
      await Promise.resolve();
      log.push(`started ${name}`);
      return part(name, log);
    };
    const all = await startAll([starter('a'), starter('b')]);
    expect(all.name).toBe('a+b');
    await all.drain(new AbortController().signal);
    await all.close();
    expect(log).toEqual([
      ...['start a', 'started a', 'start b', 'started b'],
      ...['drain b', 'drain a', 'close b', 'close a'],
    ]);
  });

  const failure = new Error('b cannot start');
  test.each([
    { why: 'is closed', faults: {} },
    { why: 'is closed, and what fails there hides nothing', faults: { close: new Error('a cannot close') } },
  ])('when one cannot start, what ran before it $why', async ({ faults }) => {
    const log: string[] = [];
    const starters = [
      async () => part('x', log),
      async () => part('a', log, faults),
      () => Promise.reject(failure),
      async () => part('c', log),
    ];
    await expect(startAll(starters)).rejects.toBe(failure);
    expect(log).toEqual(['close a', 'close x']);
  });

  test.each(['drain', 'close'] as const)('where one fails to %s, the others do it all the same', async (what) => {
    const log: string[] = [];
    const fault = new Error('stuck');
    const all = await startAll([async () => part('a', log), async () => part('b', log, { [what]: fault })]);
    const ended = what === 'drain' ? all.drain(new AbortController().signal) : all.close();
    await expect(ended).rejects.toBe(fault);
    expect(log).toEqual([`${what} b`, `${what} a`]);
  });
});

describe('stopOnSignal', () => {
  const EVENTS = ['SIGTERM', 'SIGINT', 'disconnect'] as const;
  let before: Map<string, unknown[]>;
  let exits: number[];

  beforeEach(() => {
    before = new Map(EVENTS.map((event) => [event, process.listeners(event as 'SIGTERM')]));
    exits = [];
    vi.spyOn(process, 'exit').mockImplementation(((status: number) => exits.push(status)) as never);
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    for (const event of EVENTS) {
      for (const listener of process.listeners(event as 'SIGTERM')) {
        if (!before.get(event)?.includes(listener)) process.off(event, listener);
      }
    }
  });

  /** Only the listeners of the component under test: the runner has its own. */
  function raise(event: string): void {
    for (const listener of process.listeners(event as 'SIGTERM')) {
      if (!before.get(event)?.includes(listener)) (listener as () => void)();
    }
  }

  /** As many turns of promises as a stop takes. */
  const settle = () => vi.advanceTimersByTimeAsync(0);

  test.each(EVENTS)('%s drains, closes and exits with 0', async (event) => {
    const log: string[] = [];
    stopOnSignal(part('a', log), { drainMs: 1000 });
    raise(event);
    await settle();
    expect(log).toEqual(['drain a', 'close a']);
    expect(exits).toEqual([0]);
  });

  const AGAIN = [
    { why: 'at once is its echo', afterMs: 900, exits: [] },
    { why: 'later means now', afterMs: 1100, exits: [1] },
  ];
  test.each(AGAIN)('a second signal $why', async ({ afterMs, exits: expected }) => {
    const log: string[] = [];
    stopOnSignal({ ...part('a', log), drain: () => new Promise(() => {}) }, { drainMs: 10_000 });
    raise('SIGINT');
    await vi.advanceTimersByTimeAsync(afterMs);
    raise('SIGTERM');
    expect(exits).toEqual(expected);
  });

  test('where draining fails, it is closed and the status says so', async () => {
    const log: string[] = [];
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    stopOnSignal(part('a', log, { drain: new Error('stuck') }), { drainMs: 1000 });
    raise('SIGTERM');
    await settle();
    expect(log).toEqual(['drain a', 'close a']);
    expect(exits).toEqual([1]);
    expect(said).toHaveBeenCalledWith(expect.stringContaining('stuck'));
  });

  test.each(['drain', 'close'] as const)('a %s that never ends is not waited for for ever', async (what) => {
    stopOnSignal({ ...part('a', []), [what]: () => new Promise(() => {}) }, { drainMs: 1000 });
    raise('SIGTERM');
    await vi.advanceTimersByTimeAsync(1000);
    expect(exits).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(exits).toEqual([1]);
  });
});
