/** What is known of script versions: limits, settings, compiled code, and how their runs have gone. */
import { asBuffer } from '#common/json.ts';
import type { Script } from '#proto/script/v1/script_pb.ts';
import { type Caps, type Limits, limitsOf, MESSAGES_MAX } from './caps.ts';
import { compile } from './compile.ts';
import type { CallerFacts } from './facts.ts';
import { mentionsLookups, replaceLookups } from './lookups.ts';
import { Pace } from './pace.ts';
import { Starved } from './starved.ts';

/** More than there are in Script.Kind. */
const KINDS = 8;

export interface Known {
  readonly script: Script;
  readonly limits: Limits;
  readonly isTypeScript: boolean;
  readonly mentionsLookups: boolean;
  /** JSON for the prelude, by whether the script is pure. */
  readonly settings: { readonly pure: string; readonly other: string };
  /** In front of the callers in the keys of its realms. */
  readonly key: string;
  /** Where it is the same for all callers. */
  compiled: ReturnType<typeof compile> | undefined;
  goodRuns: number;
  readonly starved: Starved;
  readonly pace: Pace;
}

export class KnownScripts {
  readonly #caps: Caps;
  /** The last version of each. */
  readonly #known = new Map<number, Known>();
  #trials = 0;

  constructor(caps: Caps) {
    this.#caps = caps;
  }

  /** @param isTrial  each time another one, of which nothing is kept */
  of(script: Script, isTrial: boolean): Known {
    const id = script.id * KINDS + script.kind;
    const before = isTrial ? undefined : this.#known.get(id);
    if (before !== undefined && before.script.hash === script.hash) return before;
    const config = readConfig(script.configJson);
    const limits = limitsOf(config, this.#caps);
    const { outputBytes, logLines, logBytes } = limits;
    const settings = (isPure: boolean): string =>
      JSON.stringify({
        isNode: script.type !== 'v8js',
        isPure,
        limits: { outputBytes, logLines, logBytes, messages: MESSAGES_MAX },
      });
    const known: Known = {
      script,
      limits,
      isTypeScript: config['typescript'] === true,
      mentionsLookups: mentionsLookups(script.content),
      settings: { pure: settings(true), other: settings(false) },
      key: isTrial ? `trial/${++this.#trials}` : `${id}/${script.hash}`,
      compiled: undefined,
      goodRuns: 0,
      starved: new Starved(),
      pace: new Pace(),
    };
    if (!isTrial) this.#known.set(id, known);
    return known;
  }
}

/** Its code for a caller, compiled once where lookups in its text make no difference. */
export function compiledFor(known: Known, facts: CallerFacts): ReturnType<typeof compile> {
  if (known.compiled) return known.compiled;
  const { name, content } = known.script;
  const text = known.mentionsLookups ? replaceLookups(content, (lookup) => facts.find(lookup)) : content;
  const compiled = compile({ name, text, isTypeScript: known.isTypeScript });
  if (!known.mentionsLookups) known.compiled = compiled;
  return compiled;
}

/** A script's own settings; what is no JSON object says nothing. */
function readConfig(bytes: Uint8Array): Record<string, unknown> {
  if (bytes.length === 0) return {};
  try {
    const config: unknown = JSON.parse(asBuffer(bytes).toString());
    return config !== null && typeof config === 'object' ? (config as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
