/** Cross-origin rules (system-api §1.9): the rule with the longest path that matches decides. */
import { VERB_BITS } from '#common/verbs.ts';
import type { CorsRule } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Headers } from '../http/reply.ts';

interface CompiledRule {
  readonly rule: CorsRule;
  readonly origins: readonly string[];
  matches(path: string): boolean;
}

export class Cors {
  readonly #state: AccessState;
  #epoch = -1;
  #rules: readonly CompiledRule[] = [];

  constructor(state: AccessState) {
    this.#state = state;
  }

  /** Headers of an answer; none where no rule allows the origin. */
  headers(path: string, origin: string | undefined): Headers {
    const found = this.#find(path);
    if (!found) return [];
    const allowed = allowOrigin(found, origin);
    if (allowed.length === 0) return [];
    const { supportsCredentials, exposedHeader } = found.rule;
    return [
      ...allowed,
      ...(supportsCredentials ? [['Access-Control-Allow-Credentials', 'true'] as const] : []),
      ...(exposedHeader ? [['Access-Control-Expose-Headers', exposedHeader] as const] : []),
    ];
  }

  /** The answer to a preflight: 204 where the rule allows the method, else 405. */
  preflight(
    path: string,
    origin: string | undefined,
    method: string,
    requestedHeaders: string | undefined,
  ): { status: 204 | 405; headers: Headers } {
    const found = this.#find(path);
    if (!found) return { status: 405, headers: [] };
    const { methodMask, header, maxAgeSeconds } = found.rule;
    const allowed = (methodMask & (VERB_BITS[method.toUpperCase()] ?? 0)) !== 0;
    const base = this.headers(path, origin);
    if (base.length === 0) return { status: 405, headers: [] };
    const methods = Object.keys(VERB_BITS).filter((verb) => (methodMask & (VERB_BITS[verb] ?? 0)) !== 0);
    const headers = header === '*' || header === '' ? (requestedHeaders ?? '') : header;
    return {
      status: allowed ? 204 : 405,
      headers: [
        ...base,
        ['Access-Control-Allow-Methods', methods.join(', ')],
        ...(headers ? [['Access-Control-Allow-Headers', headers] as const] : []),
        ...(maxAgeSeconds > 0 ? [['Access-Control-Max-Age', String(maxAgeSeconds)] as const] : []),
      ],
    };
  }

  #find(path: string): CompiledRule | undefined {
    if (this.#epoch !== this.#state.epoch) {
      this.#epoch = this.#state.epoch;
      this.#rules = [...this.#state.corsRules.values()]
        .filter((rule) => rule.enabled)
        .sort((a, b) => b.path.length - a.path.length)
        .flatMap(compile);
    }
    const plain = decoded(path);
    for (const rule of this.#rules) if (rule.matches(plain)) return rule;
    return undefined;
  }
}

function compile(rule: CorsRule): CompiledRule[] {
  const origins = rule.origin
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '');
  if (rule.path === '*') return [{ rule, origins, matches: () => true }];
  try {
    const pattern = rule.path.startsWith('^')
      ? new RegExp(rule.path, 'is')
      : new RegExp(
          `^${rule.path
            .replace(/^\/+/, '')
            .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
            .replaceAll('*', '.*')}$`,
          'is',
        );
    const bare = !rule.path.startsWith('^');
    return [{ rule, origins, matches: (path) => pattern.test(bare ? path.replace(/^\/+/, '') : path) }];
  } catch {
    return []; // an expression that cannot be read allows nothing
  }
}

/** As the path is understood: another spelling of it must not lead to another rule. */
function decoded(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // refused later, with its reason
  }
}

function allowOrigin({ rule, origins }: CompiledRule, origin: string | undefined): (readonly [string, string])[] {
  const all = origins.includes('*');
  if (all && !rule.supportsCredentials) return [['Access-Control-Allow-Origin', '*']];
  const [only] = origins;
  if (origins.length === 1 && only !== undefined && !all) return [['Access-Control-Allow-Origin', only]];
  if (origin === undefined || (!all && !origins.includes(origin))) return [];
  return [
    ['Access-Control-Allow-Origin', origin],
    ['Vary', 'Origin'],
  ];
}
