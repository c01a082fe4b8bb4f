/** Contents on sockets of their own: both ends of the line. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { FILE_LINE_PIECE_BYTES } from '../bounds.ts';
import { Deadline } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { ContentLine, socketAddress } from './content-line.ts';
import { LineBody, type LineCall } from './line-body.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-line-'));
const lines = [await ContentLine.open(`unix:${join(folder, 'content')}`), await ContentLine.open('127.0.0.1:0')];
afterAll(async () => {
  await Promise.all(lines.map((line) => line.close()));
  rmSync(folder, { recursive: true });
});

const LENGTH = 5 * FILE_LINE_PIECE_BYTES + 77;
const content = Buffer.alloc(LENGTH);
for (let at = 0; at < LENGTH; at++) content[at] = (at * 31 + (at >> 8)) & 0xff;

/** Two buffers that are written in turn, as a file is read. */
async function* pieces(end = LENGTH, size = 100_000): AsyncGenerator<Uint8Array> {
  const shared = [Buffer.alloc(size), Buffer.alloc(size)] as const;
  for (let at = 0, turn = 0; at < end; at += size, turn++) {
    const piece = shared[turn % 2] as Buffer;
    const length = content.copy(piece, 0, at, Math.min(end, at + size));
    yield piece.subarray(0, length);
  }
}

const SILENT: LineCall = { failed: async () => {}, leave: async () => {} };

async function takeAll(body: LineBody): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of body) all.push(Buffer.from(piece));
  return Buffer.concat(all);
}

describe.each(lines.map((line) => ({ line, kind: line.address.split(':')[0] })))('by $kind', ({ line }) => {
  const bodyOf = (ticket: string, call = SILENT, length = LENGTH) =>
    new LineBody({ address: line.address, ticket, length }, call, Deadline.after(10_000));

  test('a content comes whole', async () => {
    const { ticket, taken } = line.give(pieces(), Deadline.after(10_000));
    expect((await takeAll(bodyOf(ticket))).equals(content)).toBe(true);
    await taken;
  });

  test('many at once do not meet', async () => {
    const sizes = [1, 1000, 65_536, 99_999, 300_000];
    const all = sizes.map((size) => line.give(pieces(LENGTH, size), Deadline.after(10_000)));
    const got = await Promise.all(all.map(({ ticket }) => takeAll(bodyOf(ticket))));
    expect(got.every((one) => one.equals(content))).toBe(true);
    await Promise.all(all.map(({ taken }) => taken));
  });

  test('nothing is read far ahead of whoever takes it', async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read += 100_000;
        yield Buffer.alloc(100_000);
      }
    }
    const { ticket, taken } = line.give(endless(), Deadline.after(10_000));
    const body = bodyOf(ticket, SILENT, 1e12);
    await body.next();
    let before = -1;
    while (read !== before) {
      before = read;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(read).toBeLessThan(16_000_000);
    await body.return();
    await expect(taken).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('who leaves early is not waited for, and the pieces are left', async () => {
    let isLeft = false;
    async function* watched() {
      try {
        yield* pieces();
        yield* pieces();
      } finally {
        isLeft = true;
      }
    }
    const { ticket, taken } = line.give(watched(), Deadline.after(10_000));
    const body = bodyOf(ticket, SILENT, 2 * LENGTH);
    await body.next();
    await body.return();
    await taken.catch(() => {});
    expect(isLeft).toBe(true);
  });

  test('of pieces that fail the other side hears why, by the call', async () => {
    const broken = new MillraceError('unavailable', 'The storage is gone.');
    async function* failing() {
      yield Buffer.alloc(1000);
      throw broken;
    }
    const { ticket, taken } = line.give(failing(), Deadline.after(10_000));
    const failed = () => taken;
    await expect(takeAll(bodyOf(ticket, { failed, leave: async () => {} }))).rejects.toBe(broken);
  });

  test('an end before the end is none', async () => {
    const { ticket, taken } = line.give(pieces(1000), Deadline.after(10_000));
    await expect(takeAll(bodyOf(ticket))).rejects.toMatchObject({ code: 'unavailable' });
    await taken;
  });

  test('a ticket is good once', async () => {
    const { ticket, taken } = line.give(pieces(), Deadline.after(10_000));
    await takeAll(bodyOf(ticket));
    await taken;
    await expect(takeAll(bodyOf(ticket))).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('who has no ticket gets nothing', async () => {
    const socket = connect(socketAddress(line.address));
    socket.write('x'.repeat(100));
    let got = 0;
    socket.on('data', (bytes) => {
      got += bytes.length;
    });
    socket.on('error', () => {});
    await new Promise<void>((resolve) => socket.on('close', () => resolve()));
    expect(got).toBe(0);
  });

  test('a deadline ends it, also before anybody came', async () => {
    const deadline = Deadline.after(10_000);
    const { taken } = line.give(pieces(), deadline);
    deadline.abort(new MillraceError('deadline', 'Late.'));
    await expect(taken).rejects.toMatchObject({ code: 'deadline' });
  });
});
