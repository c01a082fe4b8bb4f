/** A caller's runs: numbered, bounded, collected until the turn ends, and ended by their deadlines. */
import type { Run, RunReply } from '#proto/script/v1/script_pb.ts';
import { SCRIPT_RUNS_BYTES_MAX, STREAM_IN_FLIGHT_MAX, SWEEP_INTERVAL_MS } from '../bounds.ts';
import { type Deadline, sweepDeadlines } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { Slots } from '../exchange/slots.ts';
import { lineClosed, runBytes } from './replies.ts';

/** `P`: where a run was sent. */
export interface Flight<P> {
  readonly run: Run;
  readonly deadline: Deadline;
  readonly bytes: number;
  /** Undefined: it has not been sent. */
  place: P | undefined;
  readonly resolve: (reply: RunReply) => void;
  readonly reject: (error: MillraceError) => void;
  /** Ends the listening to the deadline. */
  readonly forget: () => void;
}

export interface Transport<P> {
  /** A turn has ended in which there was something to send: take it, as far as the line has room. */
  flush(): void;
  /** Nobody waits any more for a run that was sent. */
  gone(id: number, place: P): void;
}

export class Flights<P> {
  readonly #transport: Transport<P>;
  readonly #flights = new Slots<Flight<P>>(STREAM_IN_FLIGHT_MAX);
  readonly #sweeper: NodeJS.Timeout;
  #waiting: Flight<P>[] = [];
  #bytes = 0;
  #scheduled = false;
  #closed = false;

  constructor(transport: Transport<P>) {
    this.#transport = transport;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS);
    this.#sweeper.unref();
  }

  get size(): number {
    return this.#flights.size;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** @throws MillraceError unavailable after `close`, overloaded; whatever ends the run */
  add(run: Run, deadline: Deadline): Promise<RunReply> {
    if (deadline.reason) return Promise.reject(deadline.reason);
    if (this.#closed) return Promise.reject(lineClosed());
    const bytes = runBytes(run);
    // One alone may be larger: whether it can travel is for the transport to say.
    if (this.#flights.full || (this.#bytes > 0 && this.#bytes + bytes > SCRIPT_RUNS_BYTES_MAX)) {
      return Promise.reject(new MillraceError('overloaded', 'Too many scripts are running.'));
    }
    return new Promise((resolve, reject) => {
      const forget = deadline.onAbort(() => this.#gone(run.id, deadline));
      const flight: Flight<P> = { run, deadline, bytes, place: undefined, resolve, reject, forget };
      run.id = this.#flights.add(flight);
      run.timeoutMs = Math.max(1, deadline.remainingMs());
      this.#bytes += bytes;
      this.#waiting.push(flight);
      this.schedule();
    });
  }

  /** The transport's `flush` is called when this turn ends. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#transport.flush();
    });
  }

  /** The next that wait, as many as fit; one alone may be larger. Their place is the transport's to fill in. */
  take(countMax: number, bytesMax: number): Flight<P>[] {
    let bytes = 0;
    let count = 0;
    for (const flight of this.#waiting) {
      bytes += flight.bytes;
      if (count > 0 && (count === countMax || bytes > bytesMax)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  /** @returns undefined: nobody waits for it */
  land(reply: RunReply): Flight<P> | undefined {
    const flight = this.#take(reply.id);
    flight?.resolve(reply);
    return flight;
  }

  /** Fails one. */
  fail(id: number, error: MillraceError): void {
    this.#take(id)?.reject(error);
  }

  /** Ends all that were sent to such a place; by default all that were sent anywhere. */
  endSent(end: (flight: Flight<P>) => void, isOf: (place: P) => boolean = () => true): void {
    this.#endWhere(end, ({ place }) => place !== undefined && isOf(place));
  }

  /** Ends all that wait to be sent. */
  endWaiting(end: (flight: Flight<P>) => void): void {
    this.#endWhere(end, ({ place }) => place === undefined);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#sweeper);
    this.#endWhere(
      ({ reject }) => reject(lineClosed()),
      () => true,
    );
  }

  #endWhere(end: (flight: Flight<P>) => void, isMeant: (flight: Flight<P>) => boolean): void {
    for (const flight of [...this.#flights].filter(isMeant)) {
      if (flight.place === undefined) this.#unqueue(flight);
      this.#take(flight.run.id);
      end(flight);
    }
  }

  #take(id: number): Flight<P> | undefined {
    const flight = this.#flights.take(id);
    if (!flight) return undefined;
    this.#bytes -= flight.bytes;
    flight.forget();
    return flight;
  }

  #gone(id: number, deadline: Deadline): void {
    const flight = this.#take(id);
    if (!flight || !deadline.reason) return;
    if (flight.place === undefined) this.#unqueue(flight);
    else this.#transport.gone(id, flight.place);
    flight.reject(deadline.reason);
  }

  #unqueue(flight: Flight<P>): void {
    const index = this.#waiting.indexOf(flight);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  #sweep(): void {
    const now = Date.now();
    for (const { deadline } of this.#flights) if (deadline.at <= now) sweepDeadlines([deadline], now);
  }
}
