/** Counts as they travel. */
import { create } from '@bufbuild/protobuf';
import { type Count as CountMessage, CountSchema } from '#proto/system/v1/system_pb.ts';
import type { Count } from './counters.ts';

export function toWire({ key, periodMs, startedAt, hits, lockedUntil, reset }: Count): CountMessage {
  return create(CountSchema, {
    ...{ key, hits, reset },
    periodMs: BigInt(periodMs),
    startedAt: BigInt(startedAt),
    lockedUntil: BigInt(lockedUntil),
  });
}

export function fromWire({ key, periodMs, startedAt, hits, lockedUntil, reset }: CountMessage): Count {
  return {
    ...{ key, hits, reset },
    periodMs: Number(periodMs),
    startedAt: Number(startedAt),
    lockedUntil: Number(lockedUntil),
  };
}
