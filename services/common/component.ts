/** The life of everything that starts and stops: start in order, drain and close in reverse. */

export interface Component {
  readonly name: string;
  /** Take nothing new, finish what was accepted, or stop when the deadline aborts. */
  drain(deadline: AbortSignal): Promise<void>;
  /** Release sockets and handles now; safe to call twice. */
  close(): Promise<void>;
}

/** Starts in order; drains and closes in reverse, so that whoever depends on others goes first. */
export async function startAll(starters: readonly (() => Promise<Component>)[]): Promise<Component> {
  const running: Component[] = [];
  const close = (): Promise<void> => inReverse(running, (part) => part.close());
  try {
    for (const start of starters) running.push(await start());
  } catch (error) {
    await close().catch(() => {}); // half a start leaves nothing behind; why it failed counts more than this
    throw error;
  }
  return {
    name: running.map((part) => part.name).join('+'),
    drain: (deadline) => inReverse(running, (part) => part.drain(deadline)),
    close,
  };
}

/** All of them, also where one fails; then its error. */
async function inReverse(parts: readonly Component[], work: (part: Component) => Promise<void>): Promise<void> {
  const errors: unknown[] = [];
  for (const part of parts.toReversed()) await work(part).catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}

/** A Ctrl-C under npm arrives twice, from the terminal and from npm: repeats this soon mean the first one. */
const SAME_SIGNAL_MS = 1000;

/** From the end of the draining time to that of the process, whatever still hangs. */
const CLOSE_MS = 5000;

/**
 * SIGTERM, SIGINT and the death of a parent that watches over us drain, then close, then exit 0; where that fails or
 * takes too long, exit 1. A second signal, later than the echo of the first, exits at once.
 */
export function stopOnSignal(component: Component, options: { drainMs: number }): void {
  let stoppingSince: number | undefined;
  const stop = (): void => {
    if (stoppingSince !== undefined) {
      if (Date.now() - stoppingSince > SAME_SIGNAL_MS) process.exit(1);
      return;
    }
    stoppingSince = Date.now();
    setTimeout(() => process.exit(1), options.drainMs + CLOSE_MS).unref();
    end(component, options.drainMs).then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.once('disconnect', stop);
}

async function end(component: Component, drainMs: number): Promise<void> {
  try {
    await component.drain(AbortSignal.timeout(drainMs));
  } finally {
    await component.close();
  }
}
