/** Which scripts listen to a call. Services that no script listens to cost a look into a map. */
import type { EventScript, Service } from '#proto/access/v1/access_pb.ts';
import { Phase } from '#proto/script/v1/script_pb.ts';
import type { AccessState } from '../access/state.ts';
import { parseRoute } from '../parse/route.ts';
import { type EventResource, eventsOf, type Fired } from './events.ts';

export interface Listener {
  readonly script: EventScript;
  readonly phase: Phase;
  readonly resource: EventResource;
}

export interface Listening {
  readonly pre: readonly Listener[];
  readonly post: readonly Listener[];
  /** Behind the answer, later on. */
  readonly queued: readonly Listener[];
}

/** Who listens to a call, and the path of it, decoded. */
export interface Heard {
  readonly listening: Listening;
  readonly segments: readonly string[];
}

/** What stands behind the verb, by phase: of several the first that is there counts. */
const SUFFIXES = [
  [Phase.PRE_PROCESS, ['.pre_process']],
  [Phase.POST_PROCESS, ['.post_process']],
  [Phase.QUEUED, ['', '.queued']],
] as const;

/** `{path}.{verb}[.{suffix}]` */
const NAME = /^(.+?)\.(?:get|post|put|patch|delete)(?:\.(?:pre_process|post_process|queued))?$/;

/** Scripts of one service. */
interface Bound {
  /** By path, verb and suffix, all in lower case. */
  readonly scripts: Map<string, EventScript>;
  readonly paths: readonly string[];
}

export class Listeners {
  readonly #state: AccessState;
  #byService = new Map<string, Bound>();
  #epoch = -1;

  constructor(state: AccessState) {
    this.#state = state;
  }

  /** Does any script listen to calls of this service? @param service  lower case */
  serves(service: string): boolean {
    if (this.#epoch !== this.#state.epoch) this.#index();
    return this.#byService.has(service);
  }

  /** @param verb  after tunnelling */
  of(service: Service, segments: readonly string[], verb: string): Listening | undefined {
    const name = service.name.toLowerCase();
    if (!this.serves(name)) return undefined;
    const { scripts, paths } = this.#byService.get(name) as Bound;
    const fired = eventsOf(service, segments, paths);
    const [pre = [], post = [], queued = []] = SUFFIXES.map(([phase, suffixes]) =>
      listen(scripts, fired, verb.toLowerCase(), phase, suffixes),
    );
    return pre.length + post.length + queued.length > 0 ? { pre, post, queued } : undefined;
  }

  /** The same for a call whose path was read before. @param path  raw, of the API */
  ofPath(service: Service, path: string, verb: string): Heard | undefined {
    const route = parseRoute(path);
    const segments = route.kind === 'service' ? route.segments : [];
    const listening = this.of(service, segments, verb);
    return listening && { listening, segments };
  }

  #index(): void {
    this.#epoch = this.#state.epoch;
    const byService = new Map<string, Map<string, EventScript>>();
    for (const script of this.#state.eventScripts.values()) {
      const name = script.name.toLowerCase();
      const service = name.slice(0, name.indexOf('.'));
      const known = byService.get(service) ?? new Map<string, EventScript>();
      byService.set(service, known.set(name, script));
    }
    const boundOf = (scripts: Map<string, EventScript>): Bound => {
      const paths = [...scripts.keys()].flatMap((name) => NAME.exec(name)?.[1] ?? []);
      return { scripts, paths: [...new Set(paths)] };
    };
    this.#byService = new Map([...byService].map(([service, scripts]) => [service, boundOf(scripts)]));
  }
}

/** What `ofPath` says of another identifier, of a path that differs in nothing else. */
export function heardOfAnother({ listening, segments }: Heard, id: string): Heard {
  const before = segments.at(-1) ?? '';
  const of = (listeners: readonly Listener[]): readonly Listener[] =>
    listeners.length === 0 ? listeners : listeners.map((one) => renamed(one, before, id));
  const { pre, post, queued } = listening;
  return {
    listening: { pre: of(pre), post: of(post), queued: of(queued) },
    segments: [...segments.slice(0, -1), id],
  };
}

/** Of a record: its identifier is what `event.resource` ends with. */
function renamed({ script, phase, resource }: Listener, before: string, id: string): Listener {
  const isNamed = typeof resource === 'string' && resource.endsWith(before);
  return { script, phase, resource: isNamed ? resource.slice(0, resource.length - before.length) + id : resource };
}

function listen(
  known: ReadonlyMap<string, EventScript>,
  fired: readonly Fired[],
  verb: string,
  phase: Phase,
  suffixes: readonly string[],
): readonly Listener[] {
  return fired.flatMap(({ path, resource }) => {
    for (const suffix of suffixes) {
      const script = known.get(`${path}.${verb}${suffix}`);
      if (script) return [{ script, phase, resource }];
    }
    return [];
  });
}
