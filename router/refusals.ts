/** A log line for each call that was refused: who, what, why. Whoever knocks a thousand times fills no disk. */
import type { ErrorCode, MillraceError } from '#common/errors.ts';
import type { Logger } from '#common/observe/log.ts';
import type { Principal } from './authenticate/principal.ts';
import type { Request } from './http/request.ts';

const LINES_MAX = 100;
const WINDOW_MS = 1000;
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['unauthenticated', 'denied', 'limited']);

export class Refusals {
  readonly #log: Logger;
  #windowStart = 0;
  #lines = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param principal  undefined: not known by then */
  note(http: Request, verb: string, error: MillraceError, principal: Principal | undefined, now = Date.now()): void {
    if (!REFUSALS.has(error.code)) return;
    if (now - this.#windowStart >= WINDOW_MS) this.#turn(now);
    this.#lines += 1;
    if (this.#lines > LINES_MAX) return;
    const { id: requestId, path } = http;
    // Never the query: keys and tokens may stand there.
    const who = { user: principal?.user?.id, role: principal?.role?.source.id, app: principal?.app?.id };
    const what = { requestId, verb, path, from: http.remoteAddress(), code: error.code, reason: error.message };
    this.#log.warn({ ...what, ...who }, 'call refused');
  }

  #turn(now: number): void {
    const more = this.#lines - LINES_MAX;
    if (more > 0) this.#log.warn({ more }, 'more calls refused');
    this.#windowStart = now;
    this.#lines = 0;
  }
}
