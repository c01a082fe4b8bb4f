/** A suite that needs a server: runs where the server can be had, and is named with the reason where it cannot. */
import { describe } from 'vitest';
import { type TestServer, whyNot } from './available.ts';

export function suiteWith(server: TestServer, title: string, body: () => void): void {
  const reason = whyNot(server);
  if (reason) describe.skip(`${title}: ${reason}`, body);
  else describe(title, body);
}
