/** What the programs of all tiers do: start, say in words why they cannot, stop when they are told to. */
import { type Component, stopOnSignal } from './component.ts';
import { MillraceError } from './errors.ts';

/** Time that a tier has to finish what is in flight. */
const DRAIN_MS = 10_000;

/**
 * Runs one tier as this process. One that cannot start says why on standard error, or to the parent that forked it, and
 * the process ends with status 1.
 */
export async function runTier<T extends Component>(start: () => Promise<T>): Promise<T> {
  try {
    const tier = await start();
    stopOnSignal(tier, { drainMs: DRAIN_MS });
    return tier;
  } catch (error) {
    const reason = error instanceof MillraceError ? error.message : String((error as Error)?.stack ?? error);
    await told(reason);
    process.exit(1);
  }
}

function told(reason: string): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send({ failed: reason }, () => resolve());
    else process.stderr.write(`${reason}\n`, () => resolve());
  });
}
