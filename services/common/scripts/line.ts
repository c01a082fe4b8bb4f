/** How a run gets from a router to a script worker and its reply back, whatever carries it. */
import type { Run, RunReply } from '#proto/script/v1/script_pb.ts';
import type { Deadline } from '../deadline.ts';

/** What routers hold: one line for each lane. */
export interface ScriptLine {
  /** @throws MillraceError unavailable (with cause when the line or worker was lost), overloaded, deadline */
  send(run: Run, deadline: Deadline): Promise<RunReply>;
  readonly inFlight: number;
  close(): Promise<void> | void;
}

/** What workers give: never rejects. */
export type ScriptHandler = (run: Run, deadline: Deadline) => Promise<RunReply> | RunReply;
