/**
 * Processor time. What isolated-vm calls the processor time of an isolate is, in its binaries for Linux, the time for which
 * something was in it, whether the machine had a processor for that or not. What this process has not spent meanwhile, the
 * isolate has not spent either.
 */
import type ivm from 'isolated-vm';

/** Of this process since it began, all threads together: microseconds. */
export function processMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** What was spent since then by what runs in an isolate: microseconds, at most. */
export class Spent {
  readonly #isolate: ivm.Isolate;
  readonly #inIsolate: bigint;
  readonly #inProcess = processMicros();

  constructor(isolate: ivm.Isolate) {
    this.#isolate = isolate;
    this.#inIsolate = isolate.cpuTime;
  }

  micros(): number {
    return Math.min(this.insideMicros(), processMicros() - this.#inProcess);
  }

  /** Whether it is more than so many. Of most runs their own time tells that it is not. */
  isMoreThan(micros: number): boolean {
    return this.insideMicros() > micros && this.micros() > micros;
  }

  /** For which something was in the isolate. */
  insideMicros(): number {
    return this.#isolate.isDisposed ? 0 : Number((this.#isolate.cpuTime - this.#inIsolate) / 1000n);
  }
}
