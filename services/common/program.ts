/** What the programs of all tiers do: start, say in words why they cannot, stop when they are told to. */
import { type Component, stopOnSignal } from './component.ts';
import { MillraceError } from './errors.ts';
import { collectSeldom } from './garbage.ts';
import { createLogger } from './observe/log.ts';

/** Time that a tier has to finish what is in flight. */
const DRAIN_MS = 10_000;

export interface ProgramOptions {
  /** Those of scripts: many heaps, which have to stay small. */
  readonly holdsIsolates?: boolean;
}

/**
 * Runs one tier as this process. One that cannot start says why on standard error, or to the parent that forked it, and
 * the process ends with status 1.
 */
export async function runTier<T extends Component>(
  start: () => Promise<T>,
  { holdsIsolates = false }: ProgramOptions = {},
): Promise<T> {
  if (!holdsIsolates) collectSeldom();
  try {
    const tier = await start();
    stopOnSignal(tier, { drainMs: DRAIN_MS });
    surviveStrays(tier.name);
    return tier;
  } catch (error) {
    const reason = error instanceof MillraceError ? error.message : String((error as Error)?.stack ?? error);
    await told(reason);
    process.exit(1);
  }
}

/**
 * A rejection that nobody waits for is a mistake of ours in one call; it must not end those of everybody else. (An
 * exception that nobody catches may have left anything half-done: that still ends the process.)
 */
export function surviveStrays(tier: string): void {
  const log = createLogger(tier);
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'a rejection that nobody waited for'));
}

function told(reason: string): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send({ failed: reason }, () => resolve());
    else process.stderr.write(`${reason}\n`, () => resolve());
  });
}
