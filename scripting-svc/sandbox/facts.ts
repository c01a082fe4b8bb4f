/** What a script may know of its caller and of the instance, as the JSON that it asks for. */
import { asBuffer } from '#common/json.ts';
import type { Facts } from './answers.ts';

export type Lookups = Readonly<Record<string, { value: string; isPrivate: boolean }>>;

/** `{app.api_key}` and `{session.token}` are not where their names say. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  'app.api_key': ['api_key'],
  'session.token': ['session_token'],
};
const OF_SESSION = new Set(['user', 'role', 'app', 'session']);

const configTexts = new WeakMap<object, string>();

export class CallerFacts implements Facts {
  readonly #sessionJson: Uint8Array;
  readonly #lookups: Lookups;
  readonly #config: object;
  #session: unknown;

  constructor(sessionJson: Uint8Array, lookups: Lookups, config: object) {
    this.#sessionJson = sessionJson;
    this.#lookups = lookups;
    this.#config = config;
  }

  /** Whether this is what would be made of these: they are the same objects while nothing has changed. */
  isOf(lookups: Lookups, config: object): boolean {
    return this.#lookups === lookups && this.#config === config;
  }

  session(): string {
    return this.#sessionJson.length === 0 ? '{}' : asBuffer(this.#sessionJson).toString();
  }

  config(): string {
    let text = configTexts.get(this.#config);
    if (text === undefined) {
      text = JSON.stringify(this.#config);
      configTexts.set(this.#config, text);
    }
    return text;
  }

  /** `{open, secret}`: secret ones are all of them, as the reference has it. */
  lookups(): string {
    const open: Record<string, string> = Object.create(null);
    const secret: Record<string, string> = Object.create(null);
    for (const [name, { value, isPrivate }] of Object.entries(this.#lookups)) {
      if (!isPrivate) open[name] = value;
      secret[name] = value;
    }
    return JSON.stringify({ open, secret });
  }

  /** Value of `{name}`, `{user.id}`, `{df.version}`, …; undefined: not known. */
  find(name: string): string | undefined {
    if (Object.hasOwn(this.#lookups, name)) return this.#lookups[name]!.value;
    const [room = '', member = ''] = name.split('.');
    if (OF_SESSION.has(room)) return asText(this.#ofSession(ELSEWHERE[name] ?? [room, member]));
    if (room === 'df') return asText(memberOf(this.#config, member) ?? memberOf(memberOf(this.#config, 'df'), member));
    return undefined;
  }

  #ofSession(path: readonly string[]): unknown {
    this.#session ??= JSON.parse(this.session());
    return path.reduce<unknown>(memberOf, this.#session);
  }
}

function memberOf(value: unknown, name: string): unknown {
  return value !== null && typeof value === 'object' && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? `${value}` : undefined;
}
