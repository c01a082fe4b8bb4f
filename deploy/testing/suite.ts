/** A suite that needs a server: runs where the server can be had, and is named with the reason where it cannot. */
import { describe, expect, test } from 'vitest';
import { type TestServer, whyNot } from './available.ts';

/** A run that decides must not be green because this one was missing. */
const NEEDED_IN_CI: ReadonlySet<TestServer> = new Set(['nats']);

const isCi = !['', 'false', '0'].includes(process.env['CI'] ?? '');

export function suiteWith(server: TestServer, title: string, body: () => void): void {
  const reason = whyNot(server);
  if (reason && isCi && NEEDED_IN_CI.has(server)) test(title, () => expect(reason).toBeUndefined());
  else if (reason) describe.skip(`${title}: ${reason}`, body);
  else describe(title, body);
}
