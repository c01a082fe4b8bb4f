/** A call to a host outside with its whole answer, for callers who want that at once and in time. */
import { Deadline } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { type OutsideCall, type OutsideHead, openOutside, type Resolve } from './open.ts';
import type { OutboundPolicy } from './policy.ts';

export interface OutsideAnswer extends OutsideHead {
  readonly body: Uint8Array;
}

/**
 * @param policy   its time is that of the whole answer, redirects and all
 * @param resolve  for tests
 * @throws MillraceError denied: host or address is not allowed; invalid: no HTTP URL; unavailable: no answer, or too
 *   large, or too late
 */
export async function fetchOutside(
  call: OutsideCall,
  policy: OutboundPolicy,
  deadline: Deadline,
  resolve?: Resolve,
): Promise<OutsideAnswer> {
  const timeMs = Math.min(policy.timeoutMs, deadline.remainingMs());
  const whole = Deadline.after(timeMs);
  const timer = setTimeout(() => whole.abort(late()), timeMs);
  const forget = deadline.onAbort(() => whole.abort(deadline.reason!));
  try {
    const { body, close: _, ...head } = await openOutside(call, policy, whole, resolve);
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    return { ...head, body: Buffer.concat(pieces) };
  } finally {
    forget();
    clearTimeout(timer);
  }
}

const late = (): MillraceError => new MillraceError('unavailable', 'The host did not answer in time.');
