/** One statement for several callers: it goes on as long as one of them waits. */
import { Deadline } from './deadline.ts';

/** Ends when the last of them ends, for whatever reason. At least one. */
export function jointDeadline(deadlines: readonly Deadline[]): Deadline {
  const [first] = deadlines;
  if (deadlines.length === 1 && first) return first;
  const joint = new Deadline(deadlines.reduce((at, deadline) => Math.max(at, deadline.at), 0));
  follow(joint, deadlines);
  return joint;
}

/** Listens to the latest only: where it is late all of them are; where its caller left, the next one counts. */
function follow(joint: Deadline, deadlines: readonly Deadline[]): void {
  let latest: Deadline | undefined;
  for (const deadline of deadlines) {
    if (!deadline.reason && (!latest || deadline.at > latest.at)) latest = deadline;
  }
  if (latest) latest.onAbort(() => follow(joint, deadlines));
  else joint.abort(reasonOf(deadlines));
}

function reasonOf(deadlines: readonly Deadline[]) {
  const reasons = deadlines.flatMap(({ reason }) => reason ?? []);
  return reasons.find(({ code }) => code === 'deadline') ?? (reasons[0] as NonNullable<Deadline['reason']>);
}
