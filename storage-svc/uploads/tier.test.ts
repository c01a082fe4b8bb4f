/** Resumable uploads over the tier's service: the line is lost, another replica goes on. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MIB } from '#common/bounds.ts';
import { callerGone, Deadline } from '#common/deadline.ts';
import { bodyOf, SERVICES, soon, startTier, type Tier } from '../testing/tier.ts';

let tier: Tier;
beforeAll(async () => {
  tier = await startTier();
});
afterAll(() => tier.close());

describe.each(SERVICES)('%s', (service) => {
  const context = { service };
  const append = (upload: string, offset: number, body: AsyncIterable<Uint8Array>, deadline = soon()) =>
    tier.client.appendUpload(context, { upload, offset: BigInt(offset) }, {}, body, deadline);

  test('from beginning to end', async () => {
    const options = { path: 'big.bin', size: BigInt(3 * MIB), metadata: 'm' };
    const { upload, offset, length } = await tier.client.beginUpload(context, options, soon());
    expect([offset, length]).toEqual([0, 3 * MIB]);
    const piece = Buffer.alloc(MIB, 'x');
    expect(await append(upload, 0, bodyOf(piece))).toMatchObject({ offset: MIB, entry: undefined });
    await expect(append(upload, 5, bodyOf(piece))).rejects.toMatchObject({
      code: 'conflict',
      context: { offset: MIB },
    });
    expect(await tier.client.getUpload(context, upload, soon())).toMatchObject({ offset: MIB, metadata: 'm' });
    const entry = { path: 'big.bin', size: 3 * MIB };
    expect(await append(upload, MIB, bodyOf(piece, piece))).toMatchObject({ offset: 3 * MIB, entry });
    expect((await tier.client.stat(context, 'big.bin', [], soon())).entry).toMatchObject(entry);
  });

  test('the body breaks off: all of it that was sent is kept', async () => {
    const { upload } = await tier.client.beginUpload(context, { path: 'half', size: 100n }, soon());
    async function* half(): AsyncGenerator<Uint8Array> {
      yield* bodyOf('x'.repeat(40), 'y'.repeat(10));
      throw callerGone();
    }
    await expect(append(upload, 0, half())).rejects.toMatchObject({ code: 'cancelled' });
    expect(await tier.client.getUpload(context, upload, soon())).toMatchObject({ offset: 50 });
    await append(upload, 50, bodyOf('z'.repeat(50)));
    expect((await tier.client.stat(context, 'half', [], soon())).entry?.size).toBe(100);
  });

  test('the caller goes: what had come is kept, and going on from there makes it whole', async () => {
    const { upload } = await tier.client.beginUpload(context, { path: 'gone', size: 100n }, soon());
    const deadline = Deadline.after(20_000);
    async function* silent(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x'.repeat(40));
      deadline.abort(callerGone());
      await new Promise(() => {});
    }
    await expect(append(upload, 0, silent(), deadline)).rejects.toMatchObject({ code: 'cancelled' });
    expect((await tier.client.stat(context, 'gone', [], soon())).entry).toBeUndefined();
    const { offset } = await tier.client.getUpload(context, upload, soon());
    expect([0, 40]).toContain(offset);
    await append(upload, offset, bodyOf('x'.repeat(100 - offset)));
    expect((await tier.client.stat(context, 'gone', [], soon())).entry?.size).toBe(100);
  });

  test('ended', async () => {
    const { upload } = await tier.client.beginUpload(context, { path: 'ended', size: 100n }, soon());
    await append(upload, 0, bodyOf('x'));
    await tier.client.endUpload(context, upload, soon());
    await expect(tier.client.getUpload(context, upload, soon())).rejects.toMatchObject({ code: 'not_found' });
  });
});
