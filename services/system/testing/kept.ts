/** Cases of answers that are kept for writes with an Idempotency-Key. */
import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import {
  type ClaimReply,
  ClaimRequestSchema,
  KeepRequestSchema,
  ReleaseRequestSchema,
  ClaimReply_State as State,
} from '#proto/system/v1/system_pb.ts';
import type { Suite } from './suite.ts';

const TIMEOUT_MS = 5000;
const REQUEST = Buffer.from('one');

export function keptCases(suite: Suite): void {
  const claim = (key: Uint8Array, more: { request?: Uint8Array; leaseMs?: number; keepMs?: number } = {}) =>
    suite.system.kept.call(
      'claim',
      create(ClaimRequestSchema, { key, request: REQUEST, leaseMs: 60_000, keepMs: 60_000, ...more }),
      TIMEOUT_MS,
    ) as Promise<ClaimReply>;
  const newKey = (): Buffer => randomBytes(32);

  describe('answers that are kept', () => {
    test('one of many gets the key', async () => {
      const key = newKey();
      const states = (await Promise.all(Array.from({ length: 8 }, () => claim(key)))).map(({ state }) => state);
      expect(states.filter((state) => state === State.CLAIMED)).toHaveLength(1);
      expect(states.filter((state) => state === State.RUNNING)).toHaveLength(7);
    });

    test('the answer comes back as it was given, bytes and all', async () => {
      const key = newKey();
      await claim(key);
      const answer = { status: 201, headers: [{ name: 'X-A', value: 'é"\\' }], body: Buffer.from([0, 255, 10, 39]) };
      await suite.system.kept.call('keep', create(KeepRequestSchema, { key, answer }), TIMEOUT_MS);
      const again = await claim(key);
      expect(again.state).toBe(State.ANSWERED);
      expect(again.answer).toMatchObject({ status: 201, headers: [{ name: 'X-A', value: 'é"\\' }] });
      expect(Buffer.from(again.answer?.body ?? [])).toEqual(answer.body);
      expect((await claim(key, { request: Buffer.from('two') })).state).toBe(State.OTHER_REQUEST);
    });

    test('a released key is free again', async () => {
      const key = newKey();
      await claim(key);
      await suite.system.kept.call('release', create(ReleaseRequestSchema, { key }), TIMEOUT_MS);
      expect((await claim(key)).state).toBe(State.CLAIMED);
    });

    test('behind its lease the outcome is not known; behind its time the key is free', async () => {
      const key = newKey();
      await claim(key, { leaseMs: 0, keepMs: 300 });
      expect((await claim(key)).state).toBe(State.UNKNOWN);
      await expect.poll(async () => (await claim(key)).state).toBe(State.CLAIMED);
    });
  });
}
