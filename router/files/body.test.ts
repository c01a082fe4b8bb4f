/** Bodies on their way: all that came, in its order, and no more in memory than is taken. */
import { expect, test } from 'vitest';
import { FILE_PIECE_BYTES } from '#common/bounds.ts';
import { callerGone } from '#common/deadline.ts';
import { Upload } from '../http/upload.ts';
import { requestOf } from '../testing/request.ts';
import { bodyOf, sizeOf } from './body.ts';

function uploading() {
  const flow: string[] = [];
  const upload = new Upload({ pause: () => void flow.push('pause'), resume: () => void flow.push('resume') });
  const request = { ...requestOf({ target: '/' }), upload };
  return { upload, flow, body: bodyOf(request) };
}

test('small chunks travel together, the buffers of the door are not kept', async () => {
  const { upload, body } = uploading();
  const buffer = Buffer.from('a');
  const first = body.next();
  upload.add(buffer);
  buffer.write('b');
  upload.add(buffer);
  buffer.write('c');
  upload.end();
  expect(Buffer.from((await first).value).toString()).toBe('ab');
  expect(await body.next()).toEqual({ done: true, value: undefined });
});

test('the client is held back until somebody takes more', async () => {
  const { upload, flow, body } = uploading();
  const first = body.next();
  upload.add(Buffer.alloc(FILE_PIECE_BYTES));
  upload.add(Buffer.alloc(FILE_PIECE_BYTES));
  expect(flow).toEqual(['pause']);
  await first;
  await body.next();
  expect(flow).toEqual(['pause', 'resume']);
});

test('why no more came is told, behind what came', async () => {
  const { upload, body } = uploading();
  upload.add(Buffer.from('x'));
  upload.fail(callerGone());
  await expect(body.next()).rejects.toMatchObject({ code: 'cancelled' });
});

test('left early, what still comes is forgotten and holds nobody back', async () => {
  const { upload, flow, body } = uploading();
  const waiting = body.next();
  await body.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
  for (let n = 0; n < 10; n++) upload.add(Buffer.alloc(FILE_PIECE_BYTES));
  upload.fail(callerGone());
  expect(flow).toEqual([]);
  expect(await body.next()).toEqual({ done: true, value: undefined });
});

test('a body that is here comes in pieces', async () => {
  const request = requestOf({ target: '/', body: 'x'.repeat(FILE_PIECE_BYTES + 1) });
  const sizes: number[] = [];
  for await (const piece of bodyOf(request)) sizes.push(piece.length);
  expect(sizes).toEqual([FILE_PIECE_BYTES, 1]);
  expect(sizeOf(request)).toBe(BigInt(FILE_PIECE_BYTES + 1));
});
