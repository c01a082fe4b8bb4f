/** A request as the stages behind the parser see it: what is asked of which service, without HTTP's ways of saying it. */
import type { Request } from '../http/request.ts';
import { type Body, readBody } from './body.ts';
import { Query } from './query.ts';
import { componentOf } from './route.ts';
import { effectiveVerb } from './verb.ts';

export class ApiRequest {
  readonly http: Request;
  readonly service: string;
  readonly segments: readonly string[];
  readonly query: Query;
  /** Lower case, for role rules. */
  readonly component: string;
  /** What was asked, where scripts stand between it and this one: by it answers are shown. */
  readonly asked: ApiRequest | undefined;
  #body: Body | undefined;
  #verb: string | undefined;

  /**
   * @param decided  where it is another call than HTTP says: its verb, its component, and what was asked before scripts
   *   stood between
   * @throws MillraceError invalid for a malformed query string
   */
  constructor(
    http: Request,
    service: string,
    segments: readonly string[],
    decided?: { readonly verb: string; readonly component: string; readonly asked?: ApiRequest | undefined },
  ) {
    this.http = http;
    this.service = service;
    this.segments = segments;
    this.query = Query.parse(http.query);
    this.component = decided?.component ?? componentOf(segments);
    this.asked = decided?.asked;
    this.#verb = decided?.verb;
  }

  /** After tunnelling, upper case. @throws MillraceError unsupported */
  get verb(): string {
    this.#verb ??= effectiveVerb({
      method: this.http.method,
      header: (name) => this.http.header(name),
      query: (name) => this.query.get(name),
      body: (name) => this.bodyText(name),
    });
    return this.#verb;
  }

  /** @throws MillraceError invalid for a body that cannot be read */
  get body(): Body {
    this.#body ??= readBody(this.http.header('content-type'), this.http.body);
    return this.#body;
  }

  /** A top-level text of the body; undefined where there is none. */
  bodyText(name: string): string | undefined {
    if (this.http.body.length === 0) return undefined;
    const value = this.body.option(name);
    return typeof value === 'string' ? value : undefined;
  }

  /** An option of the query string, or else of the body (database-api §2.2). */
  option(name: string): unknown {
    const value = this.query.get(name);
    if (value !== undefined) return value;
    return this.http.body.length > 0 ? this.body.option(name) : undefined;
  }
}
