/** JSON log lines on standard error: time, level, tier, request id. Secrets are never handed to it. */
import pino, { type Logger } from 'pino';

export type { Logger } from 'pino';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LEVELS)[number];
export const LOG_LEVELS: readonly LogLevel[] = LEVELS;

export function createLogger(tier: string, level: LogLevel = 'warn'): Logger {
  return pino(
    { level, base: { tier, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: false }),
  );
}
