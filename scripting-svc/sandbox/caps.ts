/** What one run may use: defaults, what a script's own settings say, and the administrator's bound on both. */
import { KIB, MIB } from '#common/bounds.ts';

/** Of one script. Memory in MB, times in milliseconds, sizes in bytes. */
export interface Limits {
  readonly memoryMb: number;
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly outputBytes: number;
  readonly apiCalls: number;
  /** Of all scripts together that one call from outside has started. */
  readonly treeCalls: number;
  readonly logLines: number;
  readonly logBytes: number;
  readonly timers: number;
}

export interface Caps {
  readonly defaults: Limits;
  readonly maximum: Limits;
  /** Milliseconds of a run in the quick lane. */
  readonly quickMillis: number;
  /** Contexts kept warm in one process; the least recently used leave first. */
  readonly contexts: number;
  /** Runs at once in the patient lane; more wait a moment, and are told that there is too much to do. */
  readonly runsAtOnce: number;
  /** Contexts that share one isolate. */
  readonly contextsPerIsolate: number;
  /** Resident bytes beyond which the process wants to be replaced. */
  readonly processBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  memoryMb: 64,
  cpuMs: 1000,
  wallMs: 30_000,
  outputBytes: 10 * MIB,
  apiCalls: 100,
  treeCalls: 500,
  logLines: 200,
  logBytes: 64 * KIB,
  timers: 100,
};

export const DEFAULT_CAPS: Caps = {
  defaults: DEFAULT_LIMITS,
  maximum: {
    memoryMb: 512,
    cpuMs: 30_000,
    wallMs: 300_000,
    outputBytes: 32 * MIB,
    apiCalls: 1000,
    treeCalls: 100_000,
    logLines: 2000,
    logBytes: 1 * MIB,
    timers: 1000,
  },
  quickMillis: 5,
  contexts: 1200,
  runsAtOnce: 128,
  contextsPerIsolate: 16,
  processBytes: 1200 * MIB,
};

/** Name in a script's settings → limit. */
const NAMES: Readonly<Record<string, keyof Limits>> = {
  memory_mb: 'memoryMb',
  cpu_ms: 'cpuMs',
  wall_ms: 'wallMs',
  output_bytes: 'outputBytes',
  api_calls: 'apiCalls',
  tree_calls: 'treeCalls',
  log_lines: 'logLines',
  log_bytes: 'logBytes',
  timers: 'timers',
};

/** Timers, randomness, URLs and the like in one run: each is a moment of the thread that all runs of a process share. */
export const MESSAGES_MAX = 20_000;

/** An isolate does not start with less. */
const MEMORY_MB_MIN = 8;

/**
 * The limits of a script.
 *
 * @param config  its settings, parsed: `{"limits": {"memory_mb": 32, …}}`; what is no number above or equal to 0 counts as not said
 */
export function limitsOf(config: unknown, caps: Caps): Limits {
  const said = isObject(config) && isObject(config['limits']) ? config['limits'] : {};
  const limits = { ...caps.defaults };
  for (const [name, limit] of Object.entries(NAMES)) {
    const value = Object.hasOwn(said, name) ? Number(said[name] ?? Number.NaN) : Number.NaN;
    if (value >= 0) limits[limit] = Math.floor(value);
    limits[limit] = Math.min(limits[limit], caps.maximum[limit]);
  }
  return { ...limits, memoryMb: Math.max(MEMORY_MB_MIN, limits.memoryMb) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
