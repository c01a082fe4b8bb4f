/**
 * Some built-in functions of V8 cannot be interrupted. Where one of them holds this thread far beyond its time limit,
 * nothing on it can help: a thread of its own ends the process, and another takes its place. What counts is the
 * processor time of the process: a machine that is busy with something else makes nothing stuck.
 */
import { Worker } from 'node:worker_threads';
import { NICE_BEHIND } from '../priority.ts';
import { hasSessionNice, leadsSession } from '../session-nice.ts';
import { HELD, NOT_HELD } from '../worker-place.ts';

const INTERVAL_MS = 10;
/** Of processor time, after which it gives way to everything else on the machine for as long as it is held. */
const HELD_MS = 10;

const PROGRAM = `
const { workerData } = require('node:worker_threads');
const { writeFileSync, writeSync } = require('node:fs');
const entries = new Uint32Array(workerData.memory);
let seen = 0;
let since = 0;
const spentMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
/** Says what has changed; what cannot be said now is said the next time. */
const changing = (isWanted, say) => {
  let said = false;
  return (held) => {
    if (held === said || !isWanted) return;
    try {
      say(held);
      said = held;
    } catch {
      // Too many changes of a priority, or nobody listens.
    }
  };
};
const { hasSession, heldFd } = workerData;
const giveWay = changing(hasSession, (held) => writeFileSync('/proc/self/autogroup', held ? '${NICE_BEHIND}' : '0'));
const tell = changing(heldFd !== undefined, (held) => writeSync(heldFd, held ? '${HELD}' : '${NOT_HELD}'));
setInterval(() => {
  const now = Atomics.load(entries, 0);
  const isHeld = now === seen && now % 2 === 1;
  if (!isHeld) {
    seen = now;
    since = spentMs();
  }
  const heldMs = spentMs() - since;
  if (heldMs > workerData.stuckMs) process.kill(process.pid, 'SIGKILL');
  for (const say of [giveWay, tell]) say(heldMs > ${HELD_MS});
}, ${INTERVAL_MS});
`;

export class Watchdog {
  /** Odd while a script has this thread. */
  readonly #entries = new Uint32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;

  /**
   * @param stuckMs  of processor time
   * @param heldFd  on which it says whether the thread is held; undefined: it does not
   */
  constructor(stuckMs: number, heldFd?: number) {
    this.#worker = new Worker(PROGRAM, {
      eval: true,
      workerData: { memory: this.#entries.buffer, stuckMs, heldFd, hasSession: hasSessionNice() && leadsSession() },
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2 },
    });
    this.#worker.unref();
  }

  enter(): void {
    this.#entries[0]!++;
  }

  leave(): void {
    this.#entries[0]!++;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
