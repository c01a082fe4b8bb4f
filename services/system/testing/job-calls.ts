/** Jobs as routers speak of them. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ClaimJobsRequestSchema,
  EnqueueRequestSchema,
  type Job,
  SettleRequestSchema,
} from '#proto/system/v1/system_pb.ts';
import type { TestSystem } from './system.ts';

const HOLDER = 'router';
const TIMEOUT_MS = 20_000;

export async function enqueue(
  system: TestSystem,
  more: MessageInitShape<typeof EnqueueRequestSchema> = {},
): Promise<number> {
  const request = create(EnqueueRequestSchema, { kind: 'event', name: 'tested', ...more });
  return (await system.jobs.call('enqueue', request, TIMEOUT_MS)).id;
}

export async function claim(system: TestSystem, waitMs = 10_000): Promise<readonly Job[]> {
  const request = create(ClaimJobsRequestSchema, { max: 1, leaseMs: 30_000, waitMs, holder: HOLDER });
  return (await system.jobs.call('claim', request, TIMEOUT_MS)).jobs;
}

export async function settle(
  system: TestSystem,
  id: number,
  outcome: NonNullable<MessageInitShape<typeof SettleRequestSchema>['outcome']>,
  logs = '',
): Promise<boolean> {
  const request = create(SettleRequestSchema, { id, holder: HOLDER, outcome, logs: Buffer.from(logs) });
  return (await system.jobs.call('settle', request, TIMEOUT_MS)).ok;
}

export const done = (statusCode: number, result?: unknown) => ({
  case: 'done' as const,
  value: { statusCode, resultJson: Buffer.from(result === undefined ? '' : JSON.stringify(result)) },
});

export const failed = (message: string, isFinal = false, statusCode = 0) => ({
  case: 'failed' as const,
  value: { message, isFinal, statusCode },
});
