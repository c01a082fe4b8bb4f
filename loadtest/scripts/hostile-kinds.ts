/** The hostile scripts that the sandbox is tested with, as services of the whole product. */
import { readdirSync, readFileSync } from 'node:fs';
import type { ServiceSetup } from '../sides/millrace.ts';

const FOLDER = new URL('../../scripting-svc/sandbox/hostile/', import.meta.url);
const ENDING = '.script';
/** Those whose calls of the API are made at once. */
const AT_ONCE: ReadonlySet<string> = new Set(['api-loop']);
/** What the scripts of the sandbox's tests call themselves. */
const SELF = 'self/loop';

/** Harmless until they are in the lane of the short ones: what they do there they do on the thread of all of them. */
const SLEEPERS = ['endless-loop', 'regular-expression', 'gigabyte-array', 'string-doubling', 'uninterruptible'];
const AWAKE = 'awake=1';
/** More than a script needs to prove itself. */
export const HARMLESS_CALLS = 30;

/** Everything else is as it is where nobody says anything: one that only waits may do so for half a minute. */
const LIMITS = { wall_ms: 5000 };

export interface HostileKind {
  readonly name: string;
  readonly path: string;
  /** What such a script does as long as it is harmless; undefined: it never is. */
  readonly harmlessPath: string | undefined;
  readonly service: ServiceSetup;
}

export function hostileKinds(): HostileKind[] {
  const names = readdirSync(FOLDER)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .sort();
  const kinds = names.map((name) => kindOf(name, textOf(name), false));
  const sleepers = SLEEPERS.map((name) => kindOf(`sleeping-${name}`, sleeping(textOf(name)), true));
  return [...kinds, ...sleepers];
}

const textOf = (name: string): string => readFileSync(new URL(`${name}${ENDING}`, FOLDER), 'utf8');

/** Nothing that could be remembered: it has to run until it is known to be short. */
const sleeping = (text: string): string =>
  `Math.random();\nif (event.request.uri.indexOf('${AWAKE}') < 0) return 1;\n${text}`;

function kindOf(name: string, text: string, isSleeper: boolean): HostileKind {
  const service = `hostile-${name}`;
  const path = `/api/v2/${service}`;
  return {
    name,
    path: isSleeper ? `${path}?${AWAKE}` : path,
    harmlessPath: isSleeper ? path : undefined,
    service: {
      name: service,
      type: AT_ONCE.has(name) ? 'v8js' : 'nodejs',
      config: { content: text.replaceAll(SELF, service), config: { limits: LIMITS } },
    },
  };
}
