/** The access snapshot as messages, read from the system database; unchanged entities stay the same objects. */
import { create, equals } from '@bufbuild/protobuf';
import type { Kysely, Selectable } from 'kysely';
import {
  type App,
  AppSchema,
  type CorsRule,
  CorsRuleSchema,
  type Limit,
  LimitSchema,
  type Lookup,
  LookupSchema,
  type Revocation,
  RevocationSchema,
  type Role,
  RoleSchema,
  type SchemaExtra,
  SchemaExtraSchema,
  type Service,
  type ServiceType,
  ServiceTypeSchema,
  type Settings,
  SettingsSchema,
  type TokenIssuer,
  TokenIssuerSchema,
  type User,
  UserSchema,
} from '#proto/access/v1/access_pb.ts';
import { Selection_Kind } from '#proto/data/v1/data_pb.ts';
import { launchUrl, STORAGE_SERVICE_NAME, storageServiceName, storedAt } from './apps/rules.ts';
import type { Dirty, RowKind } from './changes.ts';
import type { Tables } from './database/tables.ts';
import { type Entities, grouped, idOf, jsonOrNothing, keep, nameOf } from './entities.ts';
import type { Instance } from './instance.ts';
import { periodName } from './limits/rules.ts';
import { passwordVersion } from './passwords.ts';
import type { Tools } from './records/model.ts';
import { recordOf, selectedColumns } from './records/present.ts';
import { operatorName, type RowFilter } from './roles/rules.ts';
import type { LinkedScripts } from './scripts/linked.ts';
import { type EventScripts, readEventScripts } from './scripts/read.ts';
import { readServices, type Services } from './services/read.ts';
import { nowSeconds } from './tokens.ts';

/** More of them are read with all others of their kind: a statement takes no end of parameters. */
const ROWS_MAX = 1000;

export interface Snapshot extends Services, EventScripts {
  readonly roles: Entities<Role>;
  readonly apps: Entities<App>;
  readonly users: Entities<User>;
  readonly lookups: Entities<Lookup>;
  readonly corsRules: Entities<CorsRule>;
  readonly revocations: Entities<Revocation>;
  readonly schemaExtras: Entities<SchemaExtra>;
  /** Those of fields that hold who has created a record: all that routers need to know of them. */
  readonly creatorFields: Entities<SchemaExtra>;
  readonly serviceTypes: Entities<ServiceType>;
  readonly limits: Entities<Limit>;
  readonly issuers: Entities<TokenIssuer>;
  /** All lookups, private values included: for workers. */
  readonly secretLookups: Entities<Lookup>;
  readonly settings: Settings;
}

export const EMPTY_SNAPSHOT: Snapshot = {
  services: new Map(),
  connections: new Map(),
  roles: new Map(),
  apps: new Map(),
  users: new Map(),
  lookups: new Map(),
  corsRules: new Map(),
  revocations: new Map(),
  schemaExtras: new Map(),
  creatorFields: new Map(),
  serviceTypes: new Map(),
  limits: new Map(),
  issuers: new Map(),
  eventScripts: new Map(),
  listeners: new Map(),
  secretLookups: new Map(),
  settings: create(SettingsSchema),
};

export class SnapshotLoader {
  readonly #db: Kysely<Tables>;
  readonly #tools: Tools;
  readonly #instance: Instance;
  readonly #linked: LinkedScripts;

  constructor(db: Kysely<Tables>, tools: Tools, instance: Instance, linked: LinkedScripts) {
    this.#linked = linked;
    this.#db = db;
    this.#tools = tools;
    this.#instance = instance;
  }

  /** The snapshot before, with what is dirty read again. */
  async load(before: Snapshot, { kinds, rows }: Dirty): Promise<Snapshot> {
    const next: { -readonly [K in keyof Snapshot]: Snapshot[K] } = { ...before };
    if (kinds.has('serviceTypes')) next.serviceTypes = await this.#types(before.serviceTypes);
    if (kinds.has('services') || kinds.has('serviceTypes') || kinds.has('lookups')) {
      Object.assign(next, await readServices(this.#db, this.#tools, this.#linked, before));
    }
    /** All of a kind, those of its rows that are dirty among the others as they were, or nothing new. */
    const reload = async <T>(
      kind: RowKind,
      old: Entities<T>,
      read: (ids?: ReadonlySet<number>) => Promise<Entities<T>>,
    ): Promise<Entities<T>> => {
      const ids = rows.get(kind);
      if (kinds.has(kind) || (ids && ids.size > ROWS_MAX)) return read();
      return ids ? new Map([...old, ...(await read(ids))]) : old;
    };
    next.roles = await reload('roles', before.roles, (ids) => this.#roles(before.roles, ids));
    // Where they open holds the name of the service that they are stored in.
    if (isRenamed(before.services, next.services)) next.apps = await this.#apps(before.apps);
    else next.apps = await reload('apps', before.apps, (ids) => this.#apps(before.apps, ids));
    next.users = await reload('users', before.users, (ids) => this.#users(before.users, ids));
    if (next.users !== before.users) next.settings = this.#settings(before.settings, next.users);
    if (kinds.has('lookups')) {
      next.lookups = await this.#lookups(before.lookups, false);
      next.secretLookups = await this.#lookups(before.secretLookups, true);
    }
    if (kinds.has('eventScripts') || kinds.has('services')) {
      Object.assign(next, await readEventScripts(this.#db, this.#linked, before));
    }
    if (kinds.has('corsRules')) next.corsRules = await this.#corsRules(before.corsRules);
    if (kinds.has('limits') || kinds.has('users') || kinds.has('roles') || kinds.has('services')) {
      next.limits = await this.#limits(before.limits);
    }
    if (kinds.has('issuers') || kinds.has('roles')) next.issuers = await this.#issuers(before.issuers);
    if (kinds.has('revocations')) next.revocations = await this.#revocations(before.revocations);
    if (kinds.has('schemaExtras')) {
      next.schemaExtras = await this.#schemaExtras(before.schemaExtras);
      next.creatorFields = new Map([...next.schemaExtras].filter(([, extra]) => holdsCreator(extra)));
    }
    return next;
  }

  async #types(before: Entities<ServiceType>): Promise<Entities<ServiceType>> {
    const types = await this.#tools.types.load(this.#db);
    return keep(before, types, nameOf, ({ configFields, ...type }) =>
      create(ServiceTypeSchema, { ...type, configSchemaJson: jsonOrNothing(configFields) }),
    );
  }

  async #roles(before: Entities<Role>, ids?: ReadonlySet<number>): Promise<Entities<Role>> {
    let selected = this.#db.selectFrom('role').select(['id', 'name', 'is_active']);
    let rules = this.#db.selectFrom('role_service_access').selectAll();
    if (ids) {
      selected = selected.where('id', 'in', [...ids]);
      rules = rules.where('role_id', 'in', [...ids]);
    }
    const roles = await selected.orderBy('id').execute();
    const access = await rules.orderBy('id').execute();
    const byRole = grouped(access, (row) => row.role_id);
    const facts = roles.map((role) => ({ ...role, access: byRole.get(role.id) ?? [] }));
    return keep(before, facts, idOf, ({ id, name, is_active, access: entries }) =>
      create(RoleSchema, { id, name, isActive: is_active === 1, access: entries.map(roleAccess) }),
    );
  }

  async #apps(before: Entities<App>, ids?: ReadonlySet<number>): Promise<Entities<App>> {
    let apps = this.#db.selectFrom('app').selectAll('app').select(storageServiceName.as(STORAGE_SERVICE_NAME));
    if (ids) apps = apps.where('id', 'in', [...ids]);
    const rows = await apps.orderBy('id').execute();
    return keep(before, rows, idOf, (row) =>
      create(AppSchema, {
        id: row.id,
        name: row.name,
        apiKey: row.api_key,
        isActive: row.is_active === 1,
        ...(row.role_id !== null && { roleId: row.role_id }),
        description: row.description ?? '',
        type: row.type,
        launchUrl: launchUrl({ ...row }, this.#tools),
        ...storedAt(row),
      }),
    );
  }

  async #users(before: Entities<User>, ids?: ReadonlySet<number>): Promise<Entities<User>> {
    let users = this.#db.selectFrom('user').selectAll();
    let assignments = this.#db.selectFrom('user_to_app_to_role').select(['user_id', 'app_id', 'role_id']);
    if (ids) {
      users = users.where('id', 'in', [...ids]);
      assignments = assignments.where('user_id', 'in', [...ids]);
    }
    const byUser = grouped(await assignments.orderBy('id').execute(), (row) => row.user_id);
    const facts = (await users.orderBy('id').execute()).map((row) => ({ ...row, assigned: byUser.get(row.id) ?? [] }));
    return keep(before, facts, idOf, (row) =>
      create(UserSchema, {
        id: row.id,
        email: row.email,
        name: row.name,
        username: row.username ?? '',
        firstName: row.first_name ?? '',
        lastName: row.last_name ?? '',
        isActive: row.is_active === 1,
        isSysAdmin: row.is_sys_admin === 1,
        appRoles: row.assigned.map(({ app_id, role_id }) => ({ appId: app_id, roleId: role_id })),
        tokensValidFrom: BigInt(row.tokens_valid_from),
        lastLoginDate: row.last_login_date ?? '',
        passwordVersion: passwordVersion(row.password_hash),
      }),
    );
  }

  async #lookups(before: Entities<Lookup>, isSecret: boolean): Promise<Entities<Lookup>> {
    const rows = await this.#db.selectFrom('lookup').selectAll().orderBy('id').execute();
    return keep(before, rows, idOf, (row) =>
      create(LookupSchema, {
        id: row.id,
        name: row.name,
        value: row.private === 1 ? (isSecret ? this.#opened(row.value) : '') : (row.value ?? ''),
        isPrivate: row.private === 1,
        ...(row.user_id !== null && { userId: row.user_id }),
        ...(row.role_id !== null && { roleId: row.role_id }),
        ...(row.app_id !== null && { appId: row.app_id }),
      }),
    );
  }

  #opened(value: string | null): string {
    return value === null ? '' : this.#tools.secrets.open(value);
  }

  async #corsRules(before: Entities<CorsRule>): Promise<Entities<CorsRule>> {
    const rows = await this.#db.selectFrom('cors_config').selectAll().orderBy('id').execute();
    return keep(before, rows, idOf, (row) =>
      create(CorsRuleSchema, {
        id: row.id,
        path: row.path,
        origin: row.origin,
        header: row.header ?? '',
        exposedHeader: row.exposed_header ?? '',
        methodMask: row.method,
        maxAgeSeconds: Math.max(0, row.max_age),
        supportsCredentials: row.supports_credentials === 1,
        enabled: row.enabled === 1,
      }),
    );
  }

  /** Read again with what they are about, which takes them along when it goes. */
  async #limits(before: Entities<Limit>): Promise<Entities<Limit>> {
    const rows = await this.#db.selectFrom('limit').selectAll().where('is_active', '=', 1).orderBy('id').execute();
    const model = this.#tools.model('limit');
    const columns = selectedColumns(model, undefined, Selection_Kind.ALL);
    return keep(before, rows, idOf, (row) =>
      create(LimitSchema, {
        id: row.id,
        name: row.name,
        type: row.type,
        rate: row.rate,
        period: periodName(row.period),
        ...(row.user_id !== null && { userId: row.user_id }),
        ...(row.role_id !== null && { roleId: row.role_id }),
        ...(row.service_id !== null && { serviceId: row.service_id }),
        endpoint: row.endpoint ?? '',
        verb: row.verb ?? '',
        recordJson: Buffer.from(JSON.stringify(recordOf({ ...row }, columns, this.#tools))),
      }),
    );
  }

  async #issuers(before: Entities<TokenIssuer>): Promise<Entities<TokenIssuer>> {
    const rows = await this.#db
      .selectFrom('token_issuer')
      .selectAll()
      .where('is_active', '=', 1)
      .orderBy('id')
      .execute();
    return keep(before, rows, idOf, ({ id, issuer, audience, jwks_url, role_id, claims }) =>
      create(TokenIssuerSchema, {
        ...{ id, issuer, audience },
        jwksUrl: jwks_url,
        roleId: role_id,
        claimsJson: Buffer.from(claims ?? ''),
      }),
    );
  }

  async #revocations(before: Entities<Revocation>): Promise<Entities<Revocation>> {
    const rows = await this.#db
      .selectFrom('token_revocation')
      .selectAll()
      .where('expires_at', '>=', nowSeconds())
      .execute();
    return keep(
      before,
      rows,
      ({ jti }) => jti,
      ({ jti, expires_at }) => create(RevocationSchema, { jti, expiresAt: BigInt(expires_at) }),
    );
  }

  async #schemaExtras(before: Entities<SchemaExtra>): Promise<Entities<SchemaExtra>> {
    const rows = await this.#db.selectFrom('schema_extra').selectAll().orderBy('id').execute();
    return keep(before, rows, idOf, (row) =>
      create(SchemaExtraSchema, {
        id: row.id,
        serviceId: row.service_id,
        table: row.table_name,
        field: row.field_name,
        relation: row.relation_name,
        propertiesJson: Buffer.from(row.properties),
      }),
    );
  }

  #settings(before: Settings, users: Entities<User>): Settings {
    let lastAdminLogin = '';
    for (const { isSysAdmin, lastLoginDate } of users.values()) {
      if (isSysAdmin && lastLoginDate > lastAdminLogin) lastAdminLogin = lastLoginDate;
    }
    const { config } = this.#tools;
    const settings = create(SettingsSchema, {
      tokenSecrets: [...this.#instance.tokenSecrets],
      instanceId: this.#instance.id,
      lastAdminLogin,
      maxRecordsReturned: config.maxRecordsReturned,
      tokenTtlSeconds: config.tokenTtlSeconds,
    });
    return equals(SettingsSchema, settings, before) ? before : settings;
  }
}

/** Does a service that was there have another name now? */
const isRenamed = (before: Entities<Service>, now: Entities<Service>): boolean =>
  before !== now && [...before].some(([id, { name }]) => now.get(id)?.name !== name);

function holdsCreator({ field, propertiesJson }: SchemaExtra): boolean {
  const properties = Buffer.from(propertiesJson);
  if (field === '' || !properties.includes('user_id_on_create')) return false;
  return (JSON.parse(properties.toString()) as { extra_type?: unknown }).extra_type === 'user_id_on_create';
}

function roleAccess(row: Selectable<Tables['role_service_access']>) {
  return {
    id: row.id,
    ...(row.service_id !== null && { serviceId: row.service_id }),
    component: row.component ?? '',
    verbMask: row.verb_mask,
    requestorMask: row.requestor_mask,
    filters: rowConditions(row.filters),
    filterOp: row.filter_op,
  };
}

/** Operators in lower case with single blanks; a list of values as the text that its writer may also have sent. */
function rowConditions(json: string | null) {
  const filters = json === null ? [] : (JSON.parse(json) as RowFilter[]);
  return filters.map(({ name, operator, value }) => ({
    name,
    operator: operatorName(operator),
    value: Array.isArray(value) ? `(${value.join(',')})` : value === null ? '' : String(value),
  }));
}
