/** Leaves what is to be done later with the system service. */
import { create, toBinary } from '@bufbuild/protobuf';
import type { Channel } from '#common/grpc/channel.ts';
import { type Event, type Run, RunSchema, type Script } from '#proto/script/v1/script_pb.ts';
import { EnqueueRequestSchema, type Jobs } from '#proto/system/v1/system_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { machineRoleOf } from '../script/grant.ts';

const TIMEOUT_MS = 5_000;

/** What a job of the kinds `event` and `service` holds: the event and its script, without caller and session. */
export type QueuedRun = Pick<Run, 'script' | 'event'>;

export class JobQueue {
  readonly #jobs: Channel<typeof Jobs>;

  constructor(jobs: Channel<typeof Jobs>) {
    this.#jobs = jobs;
  }

  /** Stored when it resolves. @throws MillraceError unavailable */
  async run(kind: 'event' | 'service', script: Script, event: Event, principal: Principal): Promise<number> {
    const { name, id, hash } = script;
    const run = create(RunSchema, {
      script: { $typeName: 'millrace.script.v1.ScriptKey', kind: script.kind, id, hash },
      event,
    });
    const request = create(EnqueueRequestSchema, {
      ...{ kind, name, work: toBinary(RunSchema, run) },
      userId: principal.user?.id ?? 0,
      appId: principal.app?.id ?? 0,
      roleId: machineRoleOf(principal),
    });
    return (await this.#jobs.call('enqueue', request, TIMEOUT_MS)).id;
  }
}
