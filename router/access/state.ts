/**
 * What this router knows about who may do what: the pushed snapshot, compiled. Only `apply` changes it, between two
 * requests, so that each request sees one version.
 */
import { create } from '@bufbuild/protobuf';
import {
  type App,
  type CorsRule,
  type EventScript,
  Removal_Kind as Kind,
  type Limit,
  type Lookup,
  type Removal,
  type SchemaExtra,
  type Service,
  type ServiceType,
  type Settings,
  type TokenIssuer,
  type Update,
  UpdateSchema,
  type User,
} from '#proto/access/v1/access_pb.ts';
import { CompiledRole } from '../decide/role.ts';

export class AccessState {
  /** 0: nothing was ever received. */
  version = 0n;
  /** Changes with everything that decisions and cached shapes depend on. */
  epoch = 0;
  settings: Settings | undefined;
  readonly services = new Map<number, Service>();
  readonly servicesByName = new Map<string, Service>();
  readonly serviceTypes = new Map<string, ServiceType>();
  readonly roles = new Map<number, CompiledRole>();
  readonly apps = new Map<number, App>();
  readonly appsByKey = new Map<string, App>();
  readonly users = new Map<number, User>();
  readonly lookups = new Map<number, Lookup>();
  readonly corsRules = new Map<number, CorsRule>();
  readonly limits = new Map<number, Limit>();
  readonly issuers = new Map<number, TokenIssuer>();
  /** Fields that hold who has created a record. */
  readonly creatorFields = new Map<number, SchemaExtra>();
  readonly eventScripts = new Map<number, EventScript>();
  /** Dead tokens by jti, with the second at which they would have expired. */
  readonly revocations = new Map<string, bigint>();

  apply(update: Update): void {
    if (update.full) this.#clear();
    this.version = update.version;
    if (update.settings) this.settings = update.settings;
    for (const type of update.serviceTypes) this.serviceTypes.set(type.name, type);
    for (const service of update.services) this.#putService(service);
    for (const role of update.roles) this.roles.set(role.id, new CompiledRole(role));
    for (const app of update.apps) this.#putApp(app);
    for (const user of update.users) this.users.set(user.id, user);
    for (const lookup of update.lookups) this.lookups.set(lookup.id, lookup);
    for (const rule of update.corsRules) this.corsRules.set(rule.id, rule);
    for (const limit of update.limits) this.limits.set(limit.id, limit);
    for (const script of update.eventScripts) this.eventScripts.set(script.id, script);
    for (const extra of update.schemaExtras) this.creatorFields.set(extra.id, extra);
    for (const issuer of update.issuers) this.issuers.set(issuer.id, issuer);
    for (const { jti, expiresAt } of update.revocations) this.revocations.set(jti, expiresAt);
    for (const removal of update.removals) this.#remove(removal);
    this.#forgetExpired();
    if (changesDecisions(update)) this.epoch += 1;
  }

  /** Everything, as one full update: for the saved snapshot. */
  toUpdate(): Update {
    const update = create(UpdateSchema, {
      version: this.version,
      full: true,
      services: [...this.services.values()],
      roles: [...this.roles.values()].map((role) => role.source),
      apps: [...this.apps.values()],
      users: [...this.users.values()],
      lookups: [...this.lookups.values()],
      corsRules: [...this.corsRules.values()],
      limits: [...this.limits.values()],
      issuers: [...this.issuers.values()],
      schemaExtras: [...this.creatorFields.values()],
      eventScripts: [...this.eventScripts.values()],
      serviceTypes: [...this.serviceTypes.values()],
      revocations: [...this.revocations].map(([jti, expiresAt]) => ({ jti, expiresAt })),
    });
    if (this.settings) update.settings = this.settings;
    return update;
  }

  #clear(): void {
    this.services.clear();
    this.servicesByName.clear();
    this.serviceTypes.clear();
    this.roles.clear();
    this.apps.clear();
    this.appsByKey.clear();
    this.users.clear();
    this.lookups.clear();
    this.corsRules.clear();
    this.limits.clear();
    this.issuers.clear();
    this.creatorFields.clear();
    this.eventScripts.clear();
    this.revocations.clear();
  }

  #putService(service: Service): void {
    this.#forgetServiceName(service.id);
    this.services.set(service.id, service);
    this.servicesByName.set(service.name.toLowerCase(), service);
  }

  #putApp(app: App): void {
    this.#forgetAppKey(app.id);
    this.apps.set(app.id, app);
    this.appsByKey.set(app.apiKey, app);
  }

  #remove({ kind, id }: Removal): void {
    switch (kind) {
      case Kind.SERVICE:
        this.#forgetServiceName(id);
        this.services.delete(id);
        break;
      case Kind.APP:
        this.#forgetAppKey(id);
        this.apps.delete(id);
        break;
      case Kind.ROLE:
        this.roles.delete(id);
        break;
      case Kind.USER:
        this.users.delete(id);
        break;
      case Kind.LOOKUP:
        this.lookups.delete(id);
        break;
      case Kind.CORS_RULE:
        this.corsRules.delete(id);
        break;
      case Kind.LIMIT:
        this.limits.delete(id);
        break;
      case Kind.TOKEN_ISSUER:
        this.issuers.delete(id);
        break;
      case Kind.EVENT_SCRIPT:
        this.eventScripts.delete(id);
        break;
      case Kind.SCHEMA_EXTRA:
        this.creatorFields.delete(id);
        break;
      default: // of no concern to a router
    }
  }

  /** A name that another one has taken meanwhile stays his. */
  #forgetServiceName(id: number): void {
    const name = this.services.get(id)?.name.toLowerCase();
    if (name !== undefined && this.servicesByName.get(name)?.id === id) this.servicesByName.delete(name);
  }

  #forgetAppKey(id: number): void {
    const key = this.apps.get(id)?.apiKey;
    if (key !== undefined && this.appsByKey.get(key)?.id === id) this.appsByKey.delete(key);
  }

  #forgetExpired(): void {
    const now = BigInt(Math.floor(Date.now() / 1000));
    for (const [jti, expiresAt] of this.revocations) if (expiresAt < now) this.revocations.delete(jti);
  }
}

/** Users come and go without it: their roles are looked up on every request. */
function changesDecisions(update: Update): boolean {
  const { full, services, roles, apps, lookups, corsRules, limits, issuers, serviceTypes, removals } = update;
  const { schemaExtras, eventScripts } = update;
  const seldom = [corsRules, limits, issuers, serviceTypes, schemaExtras, eventScripts, removals];
  return full || [services, roles, apps, lookups, ...seldom].some((changes) => changes.length > 0);
}
