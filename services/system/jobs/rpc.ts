/** The gRPC side of jobs. */
import { create } from '@bufbuild/protobuf';
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { ServedService } from '#common/grpc/service.ts';
import { toServiceError } from '#common/grpc/status.ts';
import {
  type ClaimJobsReply,
  ClaimJobsReplySchema,
  type ClaimJobsRequest,
  EnqueueReplySchema,
  type EnqueueRequest,
  JobSchema,
  Jobs as JobsService,
  SettleReplySchema,
  type SettleRequest,
} from '#proto/system/v1/system_pb.ts';
import { unary } from '../rpc.ts';
import type { Jobs } from './jobs.ts';
import type { ClaimedJob } from './store.ts';

type ClaimCall = ServerUnaryCall<ClaimJobsRequest, ClaimJobsReply>;

export function jobsService(jobs: Jobs): ServedService {
  return {
    desc: JobsService,
    implementation: {
      enqueue: unary(async (request: EnqueueRequest) =>
        create(EnqueueReplySchema, { id: await jobs.enqueue(request) }),
      ),
      claim: (call: ClaimCall, callback: sendUnaryData<ClaimJobsReply>) => {
        const gone = new AbortController();
        call.on('cancelled', () => gone.abort());
        jobs.claim(call.request, gone.signal).then(
          (claimed) => callback(null, create(ClaimJobsReplySchema, { jobs: claimed.map(jobOf) })),
          (error: unknown) => callback(toServiceError(error)),
        );
      },
      settle: unary(async (request: SettleRequest) => create(SettleReplySchema, { ok: await jobs.settle(request) })),
    },
  };
}

const jobOf = (row: ClaimedJob) =>
  create(JobSchema, {
    ...{ id: row.id, kind: row.kind, name: row.name, work: row.work, attempt: row.attempts },
    ...{ userId: row.user_id ?? 0, appId: row.app_id ?? 0, roleId: row.role_id ?? 0 },
  });
