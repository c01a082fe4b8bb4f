/** Which scripts listen to a call. Services that no script listens to cost a look into a map. */
import type { EventScript, Service } from '#proto/access/v1/access_pb.ts';
import { Phase } from '#proto/script/v1/script_pb.ts';
import type { AccessState } from '../access/state.ts';
import { eventsOf, type Fired } from './events.ts';

export interface Listener {
  readonly script: EventScript;
  readonly phase: Phase;
  /** What `event.resource` is. */
  readonly resource: string | null;
}

export interface Listening {
  readonly pre: readonly Listener[];
  readonly post: readonly Listener[];
}

const PHASES: ReadonlyMap<string, Phase> = new Map([
  ['pre_process', Phase.PRE_PROCESS],
  ['post_process', Phase.POST_PROCESS],
]);

/** `{path}.{verb}.{suffix}` */
const NAME = /^(.+)\.([a-z]+)\.(pre_process|post_process)$/;

export class Listeners {
  readonly #state: AccessState;
  /** By service: by path, verb and suffix, all in lower case. */
  #byService = new Map<string, Map<string, EventScript>>();
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
    const known = this.#byService.get(name) as Map<string, EventScript>;
    const fired = eventsOf(service, segments);
    const pre = this.#listen(known, fired, verb, 'pre_process');
    const post = this.#listen(known, fired, verb, 'post_process');
    return pre.length + post.length > 0 ? { pre, post } : undefined;
  }

  #listen(
    known: ReadonlyMap<string, EventScript>,
    fired: readonly Fired[],
    verb: string,
    suffix: string,
  ): readonly Listener[] {
    const phase = PHASES.get(suffix) as Phase;
    return fired.flatMap(({ path, resource }) => {
      const script = known.get(`${path}.${verb.toLowerCase()}.${suffix}`);
      return script ? [{ script, phase, resource }] : [];
    });
  }

  #index(): void {
    this.#epoch = this.#state.epoch;
    this.#byService = new Map();
    for (const script of this.#state.eventScripts.values()) {
      const name = script.name.toLowerCase();
      if (!NAME.test(name)) continue;
      const service = name.slice(0, name.indexOf('.'));
      const known = this.#byService.get(service) ?? new Map<string, EventScript>();
      this.#byService.set(service, known.set(name, script));
    }
  }
}
