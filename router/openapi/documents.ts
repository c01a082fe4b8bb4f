/** API documents: which services, which document, for whom; each is made once and kept for a while (system-api §9). */
import { LRUCache } from 'lru-cache';
import { stringify } from 'yaml';
import { DOCUMENT_KEPT_MS, DOCUMENTS_BYTES_MAX } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import { MillraceError, notFound } from '#common/errors.ts';
import { stringifyJson } from '#common/json.ts';
import { ALL_VERBS } from '#common/verbs.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { ResourceKind } from '#proto/data/v1/data_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { headersOf, type Presentation, sendJson } from '../encode/answer.ts';
import type { Forwarder } from '../forward/forward.ts';
import type { Responder } from '../http/reply.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import { namesOf } from '../parse/options.ts';
import { PathAccess } from './access.ts';
import { documentOf, documentOfAll, type Making, type Options, partOfAll, specDocumentOf } from './assemble.ts';
import { Catalogue } from './catalogue.ts';
import type { Json, PathEntry } from './document.ts';
import { inVersion, versionOf } from './versions.ts';

/** Types of services with something that is open to everybody. */
const OPEN_TYPES: ReadonlySet<string> = new Set(['swagger', 'system', 'user']);

/** One call for a document. */
export interface DocumentCall {
  readonly request: ApiRequest;
  readonly service: Service;
  readonly principal: Principal;
}

export interface DocumentsInit {
  readonly state: AccessState;
  readonly forwarder: Forwarder;
  readonly requestTimeoutMs: number;
}

export interface ServicePaths {
  readonly service: Service;
  readonly entries: readonly PathEntry[];
  /** Of what a placeholder stands for, as far as the caller may use it. @param above  such as `_table` */
  readonly names: (kind: ResourceKind, above: string) => Promise<string[]>;
}

const PLAIN: Options = { version: '3.1', expand: false, compact: false, only: [] };

export class Documents {
  readonly #state: AccessState;
  readonly #forwarder: Forwarder;
  readonly #timeoutMs: number;
  readonly #kept = new LRUCache<string, string, () => Promise<string>>({
    maxSize: DOCUMENTS_BYTES_MAX,
    sizeCalculation: (text) => Buffer.byteLength(text),
    ttl: DOCUMENT_KEPT_MS,
    fetchMethod: (_key, _stale, { context: make }) => make(),
  });

  constructor({ state, forwarder, requestTimeoutMs }: DocumentsInit) {
    this.#state = state;
    this.#forwarder = forwarder;
    this.#timeoutMs = requestTimeoutMs;
  }

  /** Is this a call for a document? All that the service of documents is asked for is one. */
  serves({ segments, verb }: ApiRequest, service: Service): boolean {
    return service.type === 'swagger' || (verb === 'GET' && isSpec(segments));
  }

  /** @throws MillraceError */
  async send(call: DocumentCall, reply: Responder, shown: Presentation): Promise<void> {
    const { request, service, principal } = call;
    const { query, segments, verb } = request;
    const [name, ...more] = segments;
    if (verb !== 'GET') {
      throw new MillraceError('unsupported', `${verb} requests are not supported by the service '${service.name}'.`);
    }
    if (more.length > 0) throw notFound(`Resource '${segments.join('/')}' not found for service '${service.name}'.`);
    if (name === undefined && (query.flag('as_list') || query.flag('as_access_list'))) {
      return sendJson(reply, 200, stringifyJson({ resource: this.visible(principal).map((each) => each.name) }), shown);
    }
    const isYaml = query.get('format') === 'yaml';
    const text = await this.#text(call, isYaml);
    if (!isYaml) return sendJson(reply, 200, text, shown);
    reply.send(200, headersOf(shown, ['Content-Type', 'application/yaml; charset=UTF-8']), text);
  }

  /**
   * What of a service's paths the caller may use; none of one that cannot be asked.
   * @throws MillraceError only by the names
   */
  async paths(service: Service, request: ApiRequest, principal: Principal): Promise<ServicePaths> {
    const deadline = Deadline.after(this.#timeoutMs);
    const call = { requestId: request.http.id, principal, deadline, refresh: request.query.flag('refresh') };
    const catalogue = new Catalogue(this.#forwarder, call);
    const { entries } = await partOfAll(service, { state: this.#state, principal, options: PLAIN, catalogue });
    const access = new PathAccess(principal, service);
    const names = async (kind: ResourceKind, above: string): Promise<string[]> => {
      const listed = await catalogue.resources(service, kind);
      return listed.map(({ name }) => String(name)).filter((name) => access.may([above, name], ALL_VERBS));
    };
    return { service, entries, names };
  }

  /** Does it ask what rules may name of a service that a script answers, and that does not say so itself? */
  servesComponents({ segments, verb, query }: ApiRequest, { script }: Service): boolean {
    if (!script || script.implementsAccessList) return false;
    return verb === 'GET' && segments.length === 0 && query.flag('as_access_list');
  }

  /**
   * What the rule of a role may name: each path of the service's document, and all that is below one.
   * @throws MillraceError whatever the system service says
   */
  async components({ request, service, principal }: DocumentCall): Promise<string[]> {
    const { entries } = await this.paths(service, request, principal);
    const below = entries.flatMap(({ path }) => {
      const parts = path.split('/').filter(Boolean);
      const above = parts.slice(1).map((_, index) => `${parts.slice(0, index + 1).join('/')}/*`);
      return parts.length > 0 ? [parts.join('/'), ...above] : [];
    });
    return [...new Set(['', '*', ...below.sort()])];
  }

  /** What was made is made anew. */
  forget(): void {
    this.#kept.clear();
  }

  #text(call: DocumentCall, isYaml: boolean): Promise<string> {
    const { request, service, principal } = call;
    const [name] = request.segments;
    const { query } = request;
    const options = {
      version: versionOf(query.get('openapi')),
      expand: query.flag('expand_schema'),
      compact: false,
      only: [],
    };
    if (isSpec(request.segments)) {
      // `tables=true` is how the original is asked for their names, which are told in any case.
      const tables = namesOf(query.get('tables')).filter((each) => !/^(?:true|false|[01])$/i.test(each));
      const only = [...namesOf(query.get('resource_name')), ...tables].map((each) => each.toLowerCase());
      const wanted = { ...options, compact: query.flag('compact'), only, expand: options.expand || only.length > 0 };
      return this.#keep(call, wanted, isYaml, `spec ${service.id}`, (making) => specDocumentOf(service, making));
    }
    if (name === undefined) {
      const services = this.visible(principal);
      return this.#keep(call, options, isYaml, 'all', (making) => documentOfAll(services, making));
    }
    const named = this.#named(name, principal);
    return this.#keep(call, options, isYaml, `one ${named.id}`, (making) => documentOf(named, making));
  }

  /** Made once for all who may use the same, until something changes or it is too old. */
  async #keep(
    { request, principal }: DocumentCall,
    options: Options,
    isYaml: boolean,
    what: string,
    make: (making: Making) => Promise<Json>,
  ): Promise<string> {
    const { isAdmin, role, requestor } = principal;
    const who = isAdmin ? 'admin' : role?.isActive ? role.source.id : 'nobody';
    const key = JSON.stringify([what, who, requestor, this.#state.epoch, options, isYaml]);
    // Nobody makes work for others whom no rule knows.
    const refresh = who !== 'nobody' && request.query.flag('refresh');
    const build = async (): Promise<string> => {
      const deadline = Deadline.after(this.#timeoutMs);
      const catalogue = new Catalogue(this.#forwarder, { requestId: request.http.id, principal, deadline, refresh });
      const document = inVersion(await make({ state: this.#state, principal, options, catalogue }), options.version);
      return isYaml ? stringify(document, { aliasDuplicateObjects: false }) : stringifyJson(document);
    };
    return (await this.#kept.fetch(key, { context: build, forceRefresh: refresh })) ?? build();
  }

  /** Those whose documents have something in them, by id. */
  visible(principal: Principal): Service[] {
    return [...this.#state.services.values()]
      .filter((service) => service.isActive && isVisible(service, principal))
      .sort((a, b) => a.id - b.id);
  }

  /** @throws MillraceError denied: also for a service that is not there, which a caller without rights is not told */
  #named(name: string, principal: Principal): Service {
    const service = this.#state.servicesByName.get(name.toLowerCase());
    if (!service && principal.isAdmin) throw notFound(`Could not find a service for ${name}.`);
    if (!service || !isVisible(service, principal)) {
      throw new MillraceError('denied', `Access Forbidden. There is no access to the service '${name}'.`);
    }
    if (!service.isActive) throw new MillraceError('denied', `Service ${service.name} is deactivated.`);
    return service;
  }
}

function isSpec(segments: readonly string[]): boolean {
  return segments.length === 1 && segments[0]?.toLowerCase() === '_spec';
}

function isVisible(service: Service, { isAdmin, role, requestor }: Principal): boolean {
  if (isAdmin || OPEN_TYPES.has(service.type)) return true;
  return role?.isActive === true && role.anyMask(service.id, requestor) !== 0;
}
