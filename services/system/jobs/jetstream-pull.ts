/** One request of a pull consumer for messages. What comes when nobody waits any more goes back at once. */
import { createInbox, type Msg, type NatsConnection } from 'nats';

export interface Pull {
  readonly stream: string;
  readonly consumer: string;
  readonly count: number;
  readonly waitMs: number;
  /** Nobody waits any more. */
  readonly signal: AbortSignal;
}

const NANOS = 1_000_000;
/** What the server says behind its last message, at the latest: time for it to arrive. */
const LATE_MS = 1_000;

/** Words about a message, sent to where it says. */
export const ACK = '+ACK';
export const WORKING = '+WPI';
/** @param milliseconds  from now to when it is delivered again */
export const nak = (milliseconds: number): string =>
  `-NAK ${JSON.stringify({ delay: Math.max(0, Math.round(milliseconds)) * NANOS })}`;

/**
 * @returns fewer than were asked for where there were no more in time; undefined: it was refused, or the connection is
 *   lost
 */
export function pull(
  connection: NatsConnection,
  { stream, consumer, count, waitMs, signal }: Pull,
): Promise<Msg[] | undefined> {
  return new Promise((resolve) => {
    const messages: Msg[] = [];
    let isOver = false;
    const finish = (isRefused: boolean): void => {
      isOver = true;
      signal.removeEventListener('abort', giveUp);
      resolve(isRefused && messages.length === 0 ? undefined : messages);
    };
    const giveUp = (): void => finish(false);
    const inbox = createInbox();
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        const end = error ? 0 : message.headers?.code;
        if (end !== undefined) {
          finish(!IN_TIME.has(end));
          subscription.unsubscribe();
        } else if (isOver) {
          message.respond(nakNow);
        } else if (messages.push(message) === count) {
          finish(false);
          subscription.unsubscribe();
        }
      },
    });
    const timer = setTimeout(() => subscription.unsubscribe(), waitMs + LATE_MS);
    void subscription.closed.then(() => {
      clearTimeout(timer);
      finish(true);
    });
    signal.addEventListener('abort', giveUp, { once: true });
    const request = { batch: count, expires: waitMs * NANOS };
    connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(request), { reply: inbox });
  });
}

/** Ends of a request that are none of a failure: no message, no more of them in time. */
const IN_TIME: ReadonlySet<number> = new Set([404, 408]);
const nakNow = nak(0);
