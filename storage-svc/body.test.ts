import { expect, test } from 'vitest';
import { callerGone, Deadline } from '#common/deadline.ts';
import { inTimeBody } from './body.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

test('pieces come as they are, and the end', async () => {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield bytes('a');
    yield bytes('b');
  }
  const seen: string[] = [];
  for await (const piece of inTimeBody(body(), Deadline.after(1000))) seen.push(String(piece));
  expect(seen).toEqual(['a', 'b']);
});

test('a sender that has fallen silent is not waited for', async () => {
  const deadline = Deadline.after(60_000);
  async function* body(): AsyncGenerator<Uint8Array> {
    yield bytes('a');
    await new Promise(() => {});
  }
  const pieces = inTimeBody(body(), deadline);
  await pieces.next();
  const next = pieces.next();
  deadline.abort(callerGone());
  await expect(next).rejects.toMatchObject({ code: 'cancelled' });
});

test('leaving early leaves the sender as well', async () => {
  let isLeft = false;
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield bytes('a');
    } finally {
      isLeft = true;
    }
  }
  for await (const _ of inTimeBody(body(), Deadline.after(1000))) break;
  expect(isLeft).toBe(true);
});
