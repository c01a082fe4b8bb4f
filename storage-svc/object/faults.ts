/** What every store over HTTP is to stand, tried with a proxy before a real one: run by `<backend>/faults.test.ts`. */
import type { IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { MIB } from '#common/bounds.ts';
import { callerGone, Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { StorageSource, StoredEntry, WriteOptions } from '../backend.ts';
import { type Fault, type FaultyProxy, startFaultyProxy } from '../testing/faulty-proxy.ts';

export interface FaultSubject {
  /** Address of the real store. */
  start(): Promise<string>;
  stop(): Promise<void>;
  /** The source over a container; a fresh one where none is named. */
  open(endpoint: string, changes?: Readonly<Record<string, unknown>>): StorageSource;
  readonly wrongSecret: Readonly<Record<string, unknown>>;
  /** What is said of it. */
  readonly refusal: string;
  removeContainer(endpoint: string): Promise<void>;
  isPart(request: IncomingMessage): boolean;
  isLastStep(request: IncomingMessage): boolean;
  /** What the store itself answers. */
  readonly busy: Fault;
  readonly skewed: Fault;
  /** Nothing of uploads that failed is left in it, as far as anybody can see. */
  requireNothingLeft(endpoint: string): Promise<void>;
}

const PLAIN: WriteOptions = { contentType: undefined, size: undefined, createOnly: false, ifEtag: undefined };
const LARGE_BYTES = 20 * MIB;

export function tryFaults(subject: FaultSubject): void {
  let endpoint: string;
  let proxy: FaultyProxy;
  let source: StorageSource;
  beforeAll(async () => {
    endpoint = await subject.start();
  });
  afterAll(() => subject.stop());
  beforeEach(async () => {
    proxy = await startFaultyProxy(endpoint);
    source = subject.open(proxy.endpoint);
  });
  afterEach(async () => {
    proxy.fault = () => undefined;
    await source.close();
    await proxy.stop();
  });

  const deadline = (): Deadline => Deadline.after(30_000);
  const put = (
    path: string,
    body: AsyncIterable<Uint8Array>,
    options: Partial<WriteOptions> = {},
    until = deadline(),
  ) => source.write(path, body, { ...PLAIN, ...options }, until);
  const text = async (path: string): Promise<string> => (await collected(source, path, deadline())).toString();
  const isThere = async (path: string): Promise<boolean> => (await source.stat(path, deadline())) !== undefined;
  /** Meets the first requests of a kind, or all of them. */
  const failing = (
    fault: Fault,
    times = Number.POSITIVE_INFINITY,
    isMet: (r: IncomingMessage) => boolean = () => true,
  ) => {
    let left = times;
    proxy.fault = (request) => (isMet(request) && left-- > 0 ? fault : undefined);
  };
  /** The container is there: what follows is no longer the first call. */
  const warm = async (): Promise<void> => void (await put('warm', pieces('warm')));

  test('the connection is cut in every part: no file, and nothing is left of it', async () => {
    await warm();
    failing({ kind: 'cut-request', bytes: MIB }, undefined, subject.isPart);
    expect(await failure(put('a', zeros(LARGE_BYTES)))).toMatchObject({ code: 'unavailable' });
    proxy.fault = () => undefined;
    expect(await isThere('a')).toBe(false);
    await vi.waitFor(() => subject.requireNothingLeft(endpoint), 5_000);
  });

  test('the connection is cut in one part: it is sent again', async () => {
    failing({ kind: 'cut-request', bytes: MIB }, 1, subject.isPart);
    expect(await put('a', zeros(LARGE_BYTES))).toMatchObject({ size: LARGE_BYTES });
    expect(await source.stat('a', deadline())).toMatchObject({ size: LARGE_BYTES });
    await subject.requireNothingLeft(endpoint);
  });

  test('the last step fails: what was there before stays', async () => {
    await put('a', pieces('before'));
    failing({ kind: 'cut-request', bytes: 1 }, undefined, subject.isLastStep);
    expect(await failure(put('a', zeros(LARGE_BYTES)))).toMatchObject({ code: 'unavailable' });
    proxy.fault = () => undefined;
    expect(await text('a')).toBe('before');
    await vi.waitFor(() => subject.requireNothingLeft(endpoint), 5_000);
  });

  test.each(['throws', 'falls silent and its caller goes'])('a body %s in the middle of its parts', async (what) => {
    const until = deadline();
    async function* body(): AsyncGenerator<Uint8Array> {
      yield* zeros(LARGE_BYTES);
      if (what === 'throws') throw callerGone();
      until.abort(callerGone());
      await new Promise(() => {});
    }
    expect(await failure(put('a', body(), {}, until))).toMatchObject({ code: 'cancelled' });
    expect(await isThere('a')).toBe(false);
    await vi.waitFor(() => subject.requireNothingLeft(endpoint), 5_000);
  });

  test('503 twice, then it works', async () => {
    const works: (() => Promise<unknown>)[] = [
      () => put('a', pieces('content')),
      () => put('b', pieces('content'), { createOnly: true }),
      () => source.makeFolder('f', deadline()),
      () => isThere('a'),
      () => text('a'),
      () => allOf(source.list('', deadline())),
      () => source.copy?.('a', 'c', deadline()) as Promise<void>,
      () => source.remove('a', deadline()),
      () => put('large', zeros(LARGE_BYTES)),
    ];
    await warm();
    for (const work of works) {
      failing(subject.busy, 2);
      await work();
    }
    expect((await allOf(source.list('', deadline()))).map(({ path }) => path)).toEqual([
      'b',
      'c',
      'f',
      'large',
      'warm',
    ]);
  });

  test('503 again and again: it is said after a few', async () => {
    await warm();
    failing(subject.busy);
    for (const work of [
      () => isThere('a'),
      () => put('a', pieces('x')),
      () => put('a', pieces('x'), { createOnly: true }),
    ]) {
      proxy.seen.length = 0;
      expect(await failure(work())).toMatchObject({
        code: 'unavailable',
        message: 'The storage takes no more requests at the moment.',
      });
      expect(proxy.seen.length).toBeLessThanOrEqual(3);
    }
  });

  test('the answer to a write on a condition is lost: it is not sent again to meet itself', async () => {
    await warm();
    proxy.seen.length = 0;
    failing({ kind: 'lose-answer' }, undefined, ({ method }) => method === 'PUT');
    expect(await failure(put('a', pieces('x'), { createOnly: true }))).toMatchObject({ code: 'unavailable' });
    expect(proxy.seen.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
  });

  test.each([
    { why: 'somewhere in the middle', times: 2, bytes: 3 * MIB },
    { why: 'before the first byte', times: 1, bytes: 0 },
  ])('a read whose connection is cut goes on over another one: $why', async ({ times, bytes }) => {
    const content = Buffer.from(Uint8Array.from({ length: 10 * MIB }, (_, n) => (n * 31) % 251));
    await put('a', pieces(content));
    failing({ kind: 'cut-answer', bytes }, times, ({ method }) => method === 'GET');
    expect(content.equals(await collected(source, 'a', deadline()))).toBe(true);
  });

  test('a read whose connection is cut again and again ends', async () => {
    await put('a', zeros(MIB));
    failing({ kind: 'cut-answer', bytes: 0 }, undefined, ({ method }) => method === 'GET');
    const error = await failure(collected(source, 'a', deadline()));
    expect(error).toMatchObject({ code: 'unavailable' });
    expect(error.message).toMatch(/connection|cut short/);
  });

  test('a read that goes on when the file is another one is an error', async () => {
    await put('a', zeros(5 * MIB));
    failing({ kind: 'cut-answer', bytes: MIB }, 1, ({ method }) => method === 'GET');
    const { body } = await source.read('a', {}, deadline());
    const other = subject.open(endpoint, { container: containerOf(proxy) });
    await other.write('a', pieces('another'), PLAIN, deadline());
    await other.close();
    expect(['contradiction', 'unavailable']).toContain((await failure(drained(body))).code);
  });

  test('a wrong secret is said, in the first call and later', async () => {
    const stranger = subject.open(proxy.endpoint, { ...subject.wrongSecret, container: 'other' });
    for (const work of [() => stranger.stat('a', deadline()), () => allOf(stranger.list('', deadline()))]) {
      expect(await failure(work())).toMatchObject({
        code: 'unavailable',
        message: subject.refusal,
      });
    }
    await stranger.close();
  });

  test('the container has been removed', async () => {
    await warm();
    await subject.removeContainer(`${endpoint}/${containerOf(proxy)}`);
    const works: (() => Promise<unknown>)[] = [
      () => isThere('a'),
      () => text('a'),
      () => allOf(source.list('', deadline())),
      () => put('a', pieces('x')),
      () => put('a', zeros(LARGE_BYTES)),
      () => source.makeFolder('f', deadline()),
    ];
    for (const work of works) {
      const error = await failure(work());
      expect(error).toMatchObject({ code: 'unavailable', message: 'The container does not exist.' });
    }
  });

  test('clocks that are apart are said', async () => {
    failing(subject.skewed);
    expect(await failure(isThere('a'))).toMatchObject({
      code: 'unavailable',
      message: 'The clocks of this machine and of the storage are too far apart.',
    });
  });

  test('a store that cannot be reached, and can be a little later', async () => {
    const gone = await startFaultyProxy(endpoint);
    const lonely = subject.open(gone.endpoint);
    await gone.stop();
    expect(await failure(lonely.stat('a', deadline()))).toMatchObject({
      code: 'unavailable',
      message: 'The storage cannot be reached.',
    });
    await lonely.close();
    failing({ kind: 'answer', status: 500, body: '' });
    expect(await failure(isThere('a'))).toMatchObject({ code: 'unavailable', message: 'The storage has failed.' });
    proxy.fault = () => undefined;
    expect(await isThere('a')).toBe(false);
  });

  test('a store that says nothing: calls end with their time', async () => {
    await put('a', pieces('x'));
    failing({ kind: 'silence' });
    const works: ((until: Deadline) => Promise<unknown>)[] = [
      (until) => source.stat('a', until),
      (until) => source.read('a', {}, until),
      (until) => allOf(source.list('', until)),
      (until) => put('a', pieces('x'), {}, until),
      (until) => put('a', zeros(LARGE_BYTES), {}, until),
    ];
    const ends = works.map(async (work) => {
      const until = deadline();
      const error = failure(work(until));
      setTimeout(() => until.abort(callerGone()), 50);
      expect(await error).toMatchObject({ code: 'cancelled' });
    });
    await Promise.all(ends);
  });
}

/** The first part of a path behind the endpoint's own. */
function containerOf({ seen, endpoint }: FaultyProxy): string {
  const own = new URL(endpoint).pathname.replace(/\/$/, '');
  const [path = ''] = (seen[0]?.split(' ')[1] ?? '').slice(own.length + 1).split(/[/?]/);
  return path;
}

async function failure(work: Promise<unknown>): Promise<MillraceError> {
  const error = await work.then(
    () => new Error('It worked.'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(MillraceError);
  expect((error as MillraceError).message).not.toMatch(/127\.0\.0\.1|localhost|http|ECONN/);
  return error as MillraceError;
}

async function* pieces(content: string | Buffer): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}

async function* zeros(bytes: number): AsyncGenerator<Uint8Array> {
  for (let left = bytes; left > 0; left -= MIB) yield Buffer.alloc(Math.min(left, MIB));
}

async function allOf(entries: AsyncIterable<StoredEntry>): Promise<StoredEntry[]> {
  const all: StoredEntry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

async function collected(source: StorageSource, path: string, deadline: Deadline): Promise<Buffer> {
  return drained((await source.read(path, {}, deadline)).body);
}

async function drained(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of body) all.push(Buffer.from(piece));
  return Buffer.concat(all);
}
