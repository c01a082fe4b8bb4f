/** What the edge says when it lets a request no further: it never got to a handler, and its connection ends here. */
import type { Headers } from './reply.ts';

export interface Refusal {
  readonly status: number;
  /** Plain text for the client. */
  readonly message: string;
  readonly retryAfterSeconds?: number;
}

/** The error envelope of the API (system-api §2.1). */
export function refusalBody({ status, message }: Refusal): string {
  return JSON.stringify({ error: { code: status, context: null, message, status_code: status } });
}

export function refusalHeaders({ retryAfterSeconds }: Refusal): Headers {
  const headers: [string, string][] = [
    ['Content-Type', 'application/json'],
    ['X-Content-Type-Options', 'nosniff'],
  ];
  if (retryAfterSeconds !== undefined) headers.push(['Retry-After', String(retryAfterSeconds)]);
  return headers;
}
