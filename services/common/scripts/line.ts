/** How a run gets to a worker, whatever the transport: what routers hold, and what workers give. */
import type { Run, RunReply } from '#proto/script/v1/script_pb.ts';
import type { Deadline } from '../deadline.ts';

/** What routers hold: one line for each lane. */
export interface ScriptLine {
  /**
   * Sends one run; its id and timeout are filled in here. Its bytes must not change until it is answered.
   * @throws MillraceError unavailable (with a cause when the line or the worker was lost), overloaded, limited when it
   *   is too large to travel, deadline, or the reason of the deadline
   */
  send(run: Run, deadline: Deadline): Promise<RunReply>;
  readonly inFlight: number;
  /** Takes nothing new; what is in flight fails as unavailable. */
  close(): Promise<void> | void;
}

/** What workers give: never rejects. The run is a view on the message that it came in. */
export type ScriptHandler = (run: Run, deadline: Deadline) => Promise<RunReply> | RunReply;
