/** Leaves what is to be done later with the system service. */
import { create, toBinary } from '@bufbuild/protobuf';
import { JOB_WORK_BYTES_MAX } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import type { Channel } from '#common/grpc/channel.ts';
import { type Event, RunSchema, type Script } from '#proto/script/v1/script_pb.ts';
import { EnqueueRequestSchema, type Jobs } from '#proto/system/v1/system_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { machineRoleOf } from '../script/grant.ts';

const TIMEOUT_MS = 5_000;

export class JobQueue {
  readonly #jobs: Channel<typeof Jobs>;

  constructor(jobs: Channel<typeof Jobs>) {
    this.#jobs = jobs;
  }

  /** Stored when it resolves. @throws MillraceError invalid for an event that is too large to be kept, unavailable */
  async run(kind: 'event' | 'service', script: Script, event: Event, principal: Principal): Promise<number> {
    const { name, id, hash } = script;
    const run = create(RunSchema, {
      script: { $typeName: 'millrace.script.v1.ScriptKey', kind: script.kind, id, hash },
      event,
    });
    const work = toBinary(RunSchema, run);
    if (work.length > JOB_WORK_BYTES_MAX) {
      throw invalid(`The call is too large to be kept for later: at most ${JOB_WORK_BYTES_MAX} bytes can be.`);
    }
    const request = create(EnqueueRequestSchema, {
      ...{ kind, name, work },
      userId: principal.user?.id ?? 0,
      appId: principal.app?.id ?? 0,
      roleId: machineRoleOf(principal),
    });
    return (await this.#jobs.call('enqueue', request, TIMEOUT_MS)).id;
  }
}
