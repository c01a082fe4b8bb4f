/** The REST door: takes connections, refuses doubtful requests, hands the others over with their bodies. */
import type { Component } from '#common/component.ts';
import { invalid } from '#common/errors.ts';
import { type Handler, type ListenerOptions, sharingFault } from './door.ts';

/**
 * Starts listening at the door that was chosen; the other one is not even loaded.
 *
 * @throws MillraceError `unavailable` naming MILLRACE_HTTP_PORT for a port that cannot be had; `invalid` for a port that
 *   is to be shared where the door cannot do that
 */
export async function listen(options: ListenerOptions, handler: Handler): Promise<Component & { port: number }> {
  const fault = options.shared ? sharingFault(options.door) : undefined;
  if (fault) throw invalid(`MILLRACE_HTTP_SHARED: ${fault}.`);
  const door = options.door === 'uws' ? await import('./uws/listener.ts') : await import('./strict/listener.ts');
  return door.listen(options, handler);
}
