import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { callerGone, Deadline } from '#common/deadline.ts';
import type { RemoteClient } from './client.ts';
import { locked } from './lock.ts';

/** Folders, and nothing else. */
function clientOf(folders: Set<string>, isRefused = false): RemoteClient {
  const entry = { path: '', isFolder: true, size: 0, modifiedMs: undefined, contentType: undefined, etag: undefined };
  const only: Partial<RemoteClient> = {
    stat: async (path) => (folders.has(path) ? entry : undefined),
    makeFolder: async (path) => {
      if (isRefused || folders.has(path)) throw new Error('failure');
      folders.add(path);
    },
    removeFolder: async (path) => void folders.delete(path),
  };
  return only as RemoteClient;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const soon = (): Deadline => Deadline.after(60_000);

test('one after the other, whichever process they are of', async () => {
  const folders = new Set<string>();
  let inside = 0;
  const work = async (): Promise<void> => {
    expect(++inside).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
  };
  vi.useRealTimers();
  await Promise.all([1, 2, 3, 4].map(() => locked(clientOf(folders), 'a', soon(), work)));
  expect(folders.size).toBe(0);
});

test('let go where the work fails', async () => {
  const folders = new Set<string>();
  const work = (): Promise<never> => Promise.reject(new Error('no'));
  await expect(locked(clientOf(folders), 'a', soon(), work)).rejects.toThrow('no');
  expect(folders.size).toBe(0);
});

test('that of a killed process is broken', async () => {
  const folders = new Set<string>();
  const client = clientOf(folders);
  const held = locked(client, 'a', soon(), () => new Promise<never>(() => {}));
  void held;
  const second = locked(clientOf(folders), 'a', soon(), async () => 'done');
  await vi.advanceTimersByTimeAsync(9000);
  expect(folders.size).toBe(1);
  await vi.advanceTimersByTimeAsync(3000);
  expect(await second).toBe('done');
});

test('where none can be made that is said', async () => {
  const work = locked(clientOf(new Set(), true), 'a', soon(), async () => 'done');
  const outcome = work.catch((error: Error) => error.message);
  await vi.advanceTimersByTimeAsync(1000);
  expect(await outcome).toBe('failure');
});

test('who waits no longer is not in line', async () => {
  const folders = new Set<string>();
  void locked(clientOf(folders), 'a', soon(), () => new Promise<never>(() => {}));
  const deadline = soon();
  const second = locked(clientOf(folders), 'a', deadline, async () => 'done');
  const outcome = second.catch((error: { code: string }) => error.code);
  deadline.abort(callerGone());
  await vi.advanceTimersByTimeAsync(1000);
  expect(await outcome).toBe('cancelled');
});
