/** How often a program of a tier collects its garbage. */
import { setFlagsFromString } from 'node:v8';

/** In multiples of what was left by the time before. Four cost some 9 % of the throughput of scripted calls. */
const GROWTH = 2;

/**
 * Lets the heap grow to twice of what is in use before all of it is marked again. V8 itself allows that only where
 * memory is asked for fast: beside a tier's steady trickle it marks at each tenth more, with a thread on every processor,
 * and on a small machine all calls of that moment wait for it (10 to 30 ms). For the same reason nothing is collected
 * only because little happens.
 *
 * It counts for all isolates of the process: none that holds those of scripts may call it.
 */
export function collectSeldom(): void {
  setFlagsFromString(`--heap-growing-percent=${(GROWTH - 1) * 100}`);
  setFlagsFromString('--no-memory-reducer');
}
