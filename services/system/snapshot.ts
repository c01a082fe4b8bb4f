/** The access snapshot as messages, read from the system database; unchanged entities stay the same objects. */
import { create, type DescMessage, equals, type MessageShape } from '@bufbuild/protobuf';
import type { Kysely, Selectable } from 'kysely';
import {
  type App,
  AppSchema,
  type CorsRule,
  CorsRuleSchema,
  type Lookup,
  LookupSchema,
  type Revocation,
  RevocationSchema,
  type Role,
  RoleSchema,
  type SchemaExtra,
  SchemaExtraSchema,
  type Service,
  ServiceSchema,
  type ServiceType,
  ServiceTypeSchema,
  type Settings,
  SettingsSchema,
  type User,
  UserSchema,
} from '#proto/access/v1/access_pb.ts';
import { launchUrl } from './apps/rules.ts';
import type { Kind } from './changes.ts';
import type { Tables } from './database/tables.ts';
import type { Instance } from './instance.ts';
import { resolveLookups } from './lookups/resolve.ts';
import { passwordVersion } from './passwords.ts';
import type { Tools } from './records/model.ts';
import { operatorName, type RowFilter } from './roles/rules.ts';
import { storedSettings } from './services/rules.ts';
import { nowSeconds } from './tokens.ts';

export type Entities<T> = ReadonlyMap<string | number, T>;

export interface Snapshot {
  /** As routers see them: without settings. */
  readonly services: Entities<Service>;
  /** As connectors see them. */
  readonly connections: Entities<Service>;
  readonly roles: Entities<Role>;
  readonly apps: Entities<App>;
  readonly users: Entities<User>;
  readonly lookups: Entities<Lookup>;
  readonly corsRules: Entities<CorsRule>;
  readonly revocations: Entities<Revocation>;
  readonly schemaExtras: Entities<SchemaExtra>;
  readonly serviceTypes: Entities<ServiceType>;
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
  serviceTypes: new Map(),
  settings: create(SettingsSchema),
};

export class SnapshotLoader {
  readonly #db: Kysely<Tables>;
  readonly #tools: Tools;
  readonly #instance: Instance;

  constructor(db: Kysely<Tables>, tools: Tools, instance: Instance) {
    this.#db = db;
    this.#tools = tools;
    this.#instance = instance;
  }

  /** The snapshot before, with these kinds read again. */
  async load(before: Snapshot, kinds: ReadonlySet<Kind>): Promise<Snapshot> {
    const next: { -readonly [K in keyof Snapshot]: Snapshot[K] } = { ...before };
    if (kinds.has('serviceTypes'))
      next.serviceTypes = keep(ServiceTypeSchema, before.serviceTypes, await this.#types());
    if (kinds.has('services') || kinds.has('serviceTypes') || kinds.has('lookups')) {
      const services = await this.#services();
      next.services = keep(ServiceSchema, before.services, services.bare);
      next.connections = keep(ServiceSchema, before.connections, services.complete);
    }
    if (kinds.has('roles')) next.roles = keep(RoleSchema, before.roles, await this.#roles());
    if (kinds.has('apps')) next.apps = keep(AppSchema, before.apps, await this.#apps());
    if (kinds.has('users')) {
      next.users = keep(UserSchema, before.users, await this.#users());
      const settings = this.#settings(next.users);
      next.settings = equals(SettingsSchema, settings, before.settings) ? before.settings : settings;
    }
    if (kinds.has('lookups')) next.lookups = keep(LookupSchema, before.lookups, await this.#lookups());
    if (kinds.has('corsRules')) next.corsRules = keep(CorsRuleSchema, before.corsRules, await this.#corsRules());
    if (kinds.has('revocations')) {
      next.revocations = keep(RevocationSchema, before.revocations, await this.#revocations());
    }
    if (kinds.has('schemaExtras')) {
      next.schemaExtras = keep(SchemaExtraSchema, before.schemaExtras, await this.#schemaExtras());
    }
    return next;
  }

  async #types(): Promise<Map<string, ServiceType>> {
    const types = await this.#tools.types.load(this.#db);
    return new Map(
      types.map(({ configFields, ...type }) => {
        const schema = configFields === null ? '' : JSON.stringify(configFields);
        return [type.name, create(ServiceTypeSchema, { ...type, configSchemaJson: Buffer.from(schema) })];
      }),
    );
  }

  async #services(): Promise<{ bare: Map<number, Service>; complete: Map<number, Service> }> {
    const rows = await this.#db.selectFrom('service').selectAll().orderBy('id').execute();
    const lookups = await this.#systemLookups();
    const bare = new Map<number, Service>();
    const complete = new Map<number, Service>();
    for (const row of rows) {
      const facts = {
        id: row.id,
        name: row.name,
        label: row.label,
        description: row.description ?? '',
        type: row.type,
        isActive: row.is_active === 1,
        tier: this.#tools.types.get(row.type)?.tier ?? '',
      };
      bare.set(row.id, create(ServiceSchema, facts));
      const settings = resolveLookups(storedSettings({ ...row }, this.#tools), lookups);
      complete.set(row.id, create(ServiceSchema, { ...facts, configJson: Buffer.from(JSON.stringify(settings)) }));
    }
    return { bare, complete };
  }

  /** For settings; a private lookup outranks a public one. */
  async #systemLookups(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#db
      .selectFrom('lookup')
      .selectAll()
      .where('user_id', 'is', null)
      .where('role_id', 'is', null)
      .where('app_id', 'is', null)
      .orderBy('private')
      .execute();
    return new Map(rows.map((row) => [row.name, this.#lookupValue(row)]));
  }

  #lookupValue({ value, private: isPrivate }: Selectable<Tables['lookup']>): string {
    if (value === null) return '';
    return isPrivate === 1 ? this.#tools.secrets.open(value) : value;
  }

  async #roles(): Promise<Map<number, Role>> {
    const roles = await this.#db.selectFrom('role').selectAll().orderBy('id').execute();
    const access = await this.#db.selectFrom('role_service_access').selectAll().orderBy('id').execute();
    const byRole = grouped(access, (row) => row.role_id);
    return byId(roles, ({ id, name, is_active }) =>
      create(RoleSchema, {
        id,
        name,
        isActive: is_active === 1,
        access: (byRole.get(id) ?? []).map((row) => ({
          id: row.id,
          ...(row.service_id !== null && { serviceId: row.service_id }),
          component: row.component ?? '',
          verbMask: row.verb_mask,
          requestorMask: row.requestor_mask,
          filters: rowConditions(row.filters),
          filterOp: row.filter_op,
        })),
      }),
    );
  }

  async #apps(): Promise<Map<number, App>> {
    const rows = await this.#db.selectFrom('app').selectAll().orderBy('id').execute();
    return byId(rows, (row) =>
      create(AppSchema, {
        id: row.id,
        name: row.name,
        apiKey: row.api_key,
        isActive: row.is_active === 1,
        ...(row.role_id !== null && { roleId: row.role_id }),
        description: row.description ?? '',
        type: row.type,
        launchUrl: launchUrl({ ...row }, this.#tools),
      }),
    );
  }

  async #users(): Promise<Map<number, User>> {
    const rows = await this.#db.selectFrom('user').selectAll().orderBy('id').execute();
    const assigned = await this.#db.selectFrom('user_to_app_to_role').selectAll().orderBy('id').execute();
    const byUser = grouped(assigned, (row) => row.user_id);
    return byId(rows, (row) =>
      create(UserSchema, {
        id: row.id,
        email: row.email,
        name: row.name,
        username: row.username ?? '',
        firstName: row.first_name ?? '',
        lastName: row.last_name ?? '',
        isActive: row.is_active === 1,
        isSysAdmin: row.is_sys_admin === 1,
        appRoles: (byUser.get(row.id) ?? []).map(({ app_id, role_id }) => ({ appId: app_id, roleId: role_id })),
        tokensValidFrom: BigInt(row.tokens_valid_from),
        lastLoginDate: row.last_login_date ?? '',
        passwordVersion: passwordVersion(row.password_hash),
      }),
    );
  }

  async #lookups(): Promise<Map<number, Lookup>> {
    const rows = await this.#db.selectFrom('lookup').selectAll().orderBy('id').execute();
    return byId(rows, (row) =>
      create(LookupSchema, {
        id: row.id,
        name: row.name,
        value: row.private === 1 ? '' : (row.value ?? ''),
        isPrivate: row.private === 1,
        ...(row.user_id !== null && { userId: row.user_id }),
        ...(row.role_id !== null && { roleId: row.role_id }),
        ...(row.app_id !== null && { appId: row.app_id }),
      }),
    );
  }

  async #corsRules(): Promise<Map<number, CorsRule>> {
    const rows = await this.#db.selectFrom('cors_config').selectAll().orderBy('id').execute();
    return byId(rows, (row) =>
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

  async #revocations(): Promise<Map<string, Revocation>> {
    const rows = await this.#db
      .selectFrom('token_revocation')
      .selectAll()
      .where('expires_at', '>=', nowSeconds())
      .execute();
    return new Map(
      rows.map(({ jti, expires_at }) => [jti, create(RevocationSchema, { jti, expiresAt: BigInt(expires_at) })]),
    );
  }

  async #schemaExtras(): Promise<Map<number, SchemaExtra>> {
    const rows = await this.#db.selectFrom('schema_extra').selectAll().orderBy('id').execute();
    return byId(rows, (row) =>
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

  #settings(users: Entities<User>): Settings {
    const logins = [...users.values()].flatMap((user) => (user.isSysAdmin ? [user.lastLoginDate] : []));
    return create(SettingsSchema, {
      tokenSecrets: [...this.#instance.tokenSecrets],
      instanceId: this.#instance.id,
      lastAdminLogin: logins.toSorted().at(-1) ?? '',
      maxRecordsReturned: this.#tools.config.maxRecordsReturned,
      tokenTtlSeconds: this.#tools.config.tokenTtlSeconds,
    });
  }
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

const byId = <R extends { readonly id: number }, T>(rows: readonly R[], make: (row: R) => T): Map<number, T> =>
  new Map(rows.map((row) => [row.id, make(row)]));

function grouped<R>(rows: readonly R[], key: (row: R) => number): Map<number, R[]> {
  const groups = new Map<number, R[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group) group.push(row);
    else groups.set(key(row), [row]);
  }
  return groups;
}

/** Equal messages stay the objects they were, so that comparing two snapshots is comparing references. */
function keep<K extends string | number, D extends DescMessage>(
  schema: D,
  before: ReadonlyMap<string | number, MessageShape<D>>,
  now: ReadonlyMap<K, MessageShape<D>>,
): Map<K, MessageShape<D>> {
  return new Map(
    [...now].map(([key, message]) => {
      const old = before.get(key);
      return [key, old && equals(schema, old, message) ? old : message];
    }),
  );
}
