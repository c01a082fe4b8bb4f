/** How whoever carries jobs out gets to know which are due. The rows say what is the case; a queue only tells of them. */
import type { Claim, ClaimedJob, Released } from './store.ts';

export interface JobQueue {
  /** Were stored, and are due now or later. What gets lost of it is found again by `sweep`. */
  added(ids: readonly number[]): void;
  /**
   * Waits for jobs that are due, the oldest first.
   *
   * @param signal  nobody waits any more
   * @returns none: there was none for so long
   */
  claim(claim: Claim, waitMs: number, signal: AbortSignal): Promise<ClaimedJob[]>;
  /** Jobs that were claimed are over, or due again. */
  released(jobs: readonly Released[]): void;
  /** The lease of a claimed one was made longer. */
  prolonged(ticket: string | null): void;
  /** Finds what nobody was told of: called every second. @throws MillraceError; the next call tries again */
  sweep(): Promise<void>;
  /** Ends all claims that wait; what one of them got at that moment is still answered. */
  close(): Promise<void>;
}
