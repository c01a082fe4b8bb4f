/** One stream of AccessControl.Watch: what its watcher may know, and the difference to what it knows. */
import { create } from '@bufbuild/protobuf';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { Removal_Kind, Scope, type Update, UpdateSchema, type WatchRequest } from '#proto/access/v1/access_pb.ts';
import { EMPTY_SNAPSHOT, type Snapshot } from './snapshot.ts';

export type WatchCall = Pick<
  ServerWritableStream<WatchRequest, Update>,
  'request' | 'cancelled' | 'write' | 'end' | 'on' | 'emit'
>;

/** One stream. While it is slow nothing is queued for it: it gets the difference to what it has when it is ready. */
export class Watcher {
  readonly #call: WatchCall;
  readonly #types: ReadonlySet<string>;
  #sent: View | undefined;
  #latest: { readonly snapshot: Snapshot; readonly version: number } | undefined;
  #isBlocked = false;

  constructor(call: WatchCall) {
    this.#call = call;
    this.#types = new Set(call.request.serviceTypes.map((type) => type.name));
    call.on('drain', () => {
      this.#isBlocked = false;
      if (this.#latest) this.offer(this.#latest.snapshot, this.#latest.version);
    });
  }

  offer(snapshot: Snapshot, version: number): void {
    this.#latest = { snapshot, version };
    if (this.#isBlocked || this.#call.cancelled) return;
    const view = viewOf(snapshot, this.#call.request.scope, this.#types);
    const update = difference(this.#sent, view, version);
    if (!update) return;
    this.#sent = view;
    this.#isBlocked = !this.#call.write(update);
  }

  end(): void {
    this.#call.end();
  }
}

type View = Pick<Update, 'settings'> & { readonly [K in Part]: ReadonlyMap<string | number, Update[K][number]> };
type Part = (typeof PARTS)[number];

const PARTS = [
  'services',
  'roles',
  'apps',
  'users',
  'lookups',
  'corsRules',
  'revocations',
  'schemaExtras',
  'serviceTypes',
  'limits',
  'issuers',
  'eventScripts',
] as const;

/** Revocations end by themselves, types are never taken back. */
const REMOVALS: Partial<Record<Part, Removal_Kind>> = {
  services: Removal_Kind.SERVICE,
  roles: Removal_Kind.ROLE,
  apps: Removal_Kind.APP,
  users: Removal_Kind.USER,
  lookups: Removal_Kind.LOOKUP,
  corsRules: Removal_Kind.CORS_RULE,
  schemaExtras: Removal_Kind.SCHEMA_EXTRA,
  limits: Removal_Kind.LIMIT,
  issuers: Removal_Kind.TOKEN_ISSUER,
  eventScripts: Removal_Kind.EVENT_SCRIPT,
};

const NOTHING: View = { ...EMPTY_SNAPSHOT, settings: undefined };

/** What somebody may know: a router no secrets, a connector nothing but its own services, workers what scripts need. */
function viewOf(snapshot: Snapshot, scope: Scope, types: ReadonlySet<string>): View {
  if (scope === Scope.ROUTER) {
    return { ...snapshot, schemaExtras: snapshot.creatorFields, eventScripts: snapshot.listeners };
  }
  if (scope === Scope.SCRIPTS) {
    const services = new Map([...snapshot.connections].filter(([, service]) => service.script));
    return { ...NOTHING, services, lookups: snapshot.secretLookups, eventScripts: snapshot.eventScripts };
  }
  if (scope !== Scope.CONNECTOR) return NOTHING;
  const services = new Map([...snapshot.connections].filter(([, service]) => types.has(service.type)));
  const schemaExtras = new Map([...snapshot.schemaExtras].filter(([, extra]) => services.has(extra.serviceId)));
  return { ...NOTHING, services, schemaExtras };
}

/** undefined: nothing that this watcher would see. Entities are compared by reference. */
function difference(before: View | undefined, now: View, version: number): Update | undefined {
  const update = create(UpdateSchema, { version: BigInt(version), full: before === undefined });
  let isEmpty = before !== undefined;
  for (const part of PARTS) {
    const old: ReadonlyMap<string | number, unknown> = before?.[part] ?? NOTHING[part];
    const changed = [...now[part]].flatMap(([key, entity]) => (old.get(key) === entity ? [] : [entity]));
    Object.assign(update, { [part]: changed });
    const kind = REMOVALS[part];
    const gone = kind === undefined ? [] : [...old.keys()].filter((key) => !now[part].has(key));
    for (const id of gone) {
      update.removals.push({ $typeName: 'millrace.access.v1.Removal', kind: kind!, id: Number(id) });
    }
    if (changed.length > 0 || gone.length > 0) isEmpty = false;
  }
  if (now.settings && now.settings !== before?.settings) {
    update.settings = now.settings;
    isEmpty = false;
  }
  return isEmpty ? undefined : update;
}
