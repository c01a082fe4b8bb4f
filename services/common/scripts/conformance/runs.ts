/** Runs and handlers of the conformance suite. */
import { create } from '@bufbuild/protobuf';
import { Failure_Kind, type Run, type RunReply, RunReplySchema, RunSchema } from '#proto/script/v1/script_pb.ts';
import type { Deadline } from '../../deadline.ts';
import type { ScriptHandler } from '../line.ts';
import { failureReply } from '../replies.ts';

/** A run as the router would send it; the event's name tells the handler of worker.ts what to do. */
export function runOf(name: string, content: Uint8Array = new Uint8Array()): Run {
  return create(RunSchema, {
    script: { kind: 1, id: 7, hash: 0x1234_5678_9abc_def0n },
    event: { name, phase: 1, request: { method: 'GET', uri: '/api/v2/db/_table/contact', content } },
    sessionJson: Buffer.from('{"user":{"id":1}}'),
    requestId: name,
    caller: { userId: 1, roleId: 2, appId: 3 },
  });
}

export function doneReply(text: string): RunReply {
  return create(RunReplySchema, { outcome: { case: 'done', value: { returnedJson: Buffer.from(text) } } });
}

/** What came back, as one text. */
export function textOf({ outcome }: RunReply): string {
  if (outcome.case === 'done') return Buffer.from(outcome.value.returnedJson).toString();
  return outcome.case === 'failure' ? `failure ${nameOf(outcome.value.kind)}` : `${outcome.case}`;
}

const nameOf = (kind: Failure_Kind): string | undefined =>
  Object.entries(Failure_Kind).find(([, value]) => value === kind)?.[0];

/** Gives back the run's name. */
export const echo: ScriptHandler = (run) => doneReply(run.requestId);

/** A run that has reached its worker. */
export interface Held {
  readonly run: Run;
  readonly deadline: Deadline;
  answer(): void;
  fail(): void;
}

/** Keeps every run until the test answers it. */
export class Holding {
  readonly held: Held[] = [];

  readonly handler: ScriptHandler = (run, deadline) =>
    new Promise((resolve) => {
      deadline.onAbort(() => resolve(failureReply(run.id, Failure_Kind.DEADLINE, 'Late.')));
      this.held.push({
        run,
        deadline,
        answer: () => resolve(doneReply(run.requestId)),
        fail: () => resolve(failureReply(run.id, Failure_Kind.THROWN, 'Thrown.')),
      });
    });

  async run(name: string): Promise<Held> {
    for (;;) {
      const found = this.held.find(({ run }) => run.requestId === name);
      if (found) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
