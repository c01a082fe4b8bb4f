/** Watches the pool of script workers: since when is each place taken by a worker that is to stay, and that answers? */
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds } from '../access/cpu.ts';
import type { RunScope } from '../process.ts';
import type { MillraceTarget } from '../sides/millrace.ts';
import { now } from './clock.ts';
import { type LaneName, workersOf } from './workers.ts';

const LANES: readonly LaneName[] = ['quick', 'patient'];
const POLL_MS = 40;
/** While nothing depends on the moment: each look costs something. */
const GLANCE_MS = 100;
/** Within it a worker that is no good has asked to be replaced. */
const SETTLED_MS = 800;
/** Of a core, from one look to the next: something still runs that nobody waits for. */
const BUSY = 0.3;
const BUSY_LOOK_MS = 200;
const PATIENCE_MS = 30_000;

export interface Recovery {
  /** The moment of `now` since which all is as it was; undefined: it was never otherwise. */
  readonly fullAt: number | undefined;
  /** Workers that were started meanwhile. */
  readonly replaced: number;
  /** Since when those that were replaced are gone; undefined: there were none. */
  readonly goneAt: number | undefined;
}

export class PoolWatch {
  readonly #scope: RunScope;
  readonly #millrace: MillraceTarget;
  readonly #probe: () => Promise<boolean>;

  /** @param probe  are scripts of both lanes answered well? */
  constructor(scope: RunScope, millrace: MillraceTarget, probe: () => Promise<boolean>) {
    this.#scope = scope;
    this.#millrace = millrace;
    this.#probe = probe;
  }

  /** Watches while something happens and until the pool is full again. @throws Error when it takes too long */
  async during(work: () => Promise<void>): Promise<Recovery> {
    const places = LANES.map((lane) => new Place(this.#scope, lane));
    let lastBad: number | undefined;
    let lastCrowded: number | undefined;
    let isWorking = true;
    const look = (): void => {
      const workers = workersOf(this.#millrace);
      for (const place of places) {
        place.look(workers.flatMap(({ pid, lane }) => (lane === place.lane ? [pid] : [])));
      }
      if (!places.every(({ isFull }) => isFull)) lastBad = now();
      if (places.some(({ isCrowded }) => isCrowded)) lastCrowded = now();
    };
    look();
    const working = work().finally(() => {
      isWorking = false;
    });
    while (isWorking) {
      await sleep(GLANCE_MS);
      look();
    }
    await working;
    const endedAt = now();
    const isBusy = this.#busyLook();
    let lastBusy = endedAt;
    for (;;) {
      this.#scope.signal.throwIfAborted();
      const isAnswered = await this.#probe();
      if (!isAnswered) lastBad = now();
      look();
      if (isBusy()) lastBusy = now();
      const moment = now();
      if (moment - Math.max(lastBusy, lastBad ?? 0, lastCrowded ?? 0) > SETTLED_MS) break;
      if (moment - endedAt > PATIENCE_MS) {
        const state = [isAnswered ? 'answering' : 'not answering', isBusy() ? 'busy' : 'calm', ...places].join('; ');
        throw new Error(`The pool of script workers does not fill up again (${state}).`);
      }
      await sleep(POLL_MS);
    }
    const replaced = places.reduce((sum, { started }) => sum + started, 0);
    return { fullAt: lastBad, goneAt: lastCrowded, replaced };
  }

  /** Do the workers use more of the processor than neighbours give them to do? One of them may be about to be replaced. */
  #busyLook(): () => boolean {
    const spent = (): number => workersOf(this.#millrace).reduce((sum, { pid }) => sum + spentBy(pid), 0);
    let last = { at: now(), seconds: spent(), isBusy: true };
    return () => {
      const at = now();
      if (at - last.at < BUSY_LOOK_MS) return last.isBusy;
      const seconds = spent();
      last = { at, seconds, isBusy: (seconds - last.seconds) * 1000 > BUSY * (at - last.at) };
      return last.isBusy;
    };
  }
}

/** Seconds; none of one that has ended meanwhile. */
function spentBy(pid: number): number {
  try {
    return cpuSeconds([pid]);
  } catch {
    return 0;
  }
}

/** One lane: a worker takes its place by putting its socket in the place of the one before. */
class Place {
  readonly lane: LaneName;
  readonly #socket: string;
  readonly #seen = new Set<number>();
  /** Those that have come and not taken the place yet. One that ends before has nothing to take any more. */
  #coming: readonly number[] = [];
  #isFirst = true;
  #mark = '';
  started = 0;
  /** Those that were replaced are still there. */
  isCrowded = false;
  isFull = true;

  constructor(scope: RunScope, lane: LaneName) {
    this.lane = lane;
    this.#socket = `${scope.folder}/${lane}.sock`;
  }

  look(pids: readonly number[]): void {
    const mark = this.#markOf();
    const fresh = this.#isFirst ? [] : pids.filter((pid) => !this.#seen.has(pid));
    const isTaken = !this.#isFirst && mark !== this.#mark;
    this.#coming = isTaken ? [] : [...this.#coming.filter((pid) => pids.includes(pid)), ...fresh];
    for (const pid of pids) this.#seen.add(pid);
    this.started += fresh.length;
    this.#mark = mark;
    this.#isFirst = false;
    this.isCrowded = pids.length > 1;
    this.isFull = pids.length > 0 && this.#coming.length === 0;
  }

  toString(): string {
    const state = this.isFull ? 'full' : 'not full';
    return `${this.lane} ${state}, coming ${this.#coming.join(', ') || 'nobody'}${this.isCrowded ? ', crowded' : ''}`;
  }

  #markOf(): string {
    const { ino, ctimeMs } = statSync(this.#socket, { throwIfNoEntry: false }) ?? { ino: 0, ctimeMs: 0 };
    return `${ino} ${ctimeMs}`;
  }
}
