/** What an installation tells about itself (system-api §5.8). */
import { readFileSync } from 'node:fs';
import { arch, hostname, platform, release, version } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Selectable } from 'kysely';
import type { EnvironmentRequest } from '#proto/system/v1/system_pb.ts';
import { launchUrl, STORAGE_SERVICE_NAME, storageServiceName } from './apps/rules.ts';
import type { Db } from './database/open.ts';
import type { AppTable } from './database/tables.ts';
import type { JsonObject, Tools } from './records/model.ts';
import { shownSettings } from './services/rules.ts';

type App = Selectable<AppTable>;

export const PRODUCT_VERSION = readVersion();

export async function environmentOf(request: EnvironmentRequest, db: Db, tools: Tools): Promise<JsonObject> {
  const isKnown = request.userId !== 0 || request.roleId !== 0;
  return {
    authentication: await authentication(db, tools),
    apps: await appsOf(request, db, tools),
    ...(isKnown && knownPart(request, tools)),
  };
}

function knownPart(request: EnvironmentRequest, { config, engine }: Tools): JsonObject {
  return {
    platform: {
      version: PRODUCT_VERSION,
      bitnami_demo: false,
      is_hosted: false,
      is_trial: false,
      license: 'OPEN SOURCE',
      secured_package_export: false,
      license_key: false,
      ...(request.isAdmin && { db_driver: engine, app_debug: false, packages: [] }),
    },
    ...(request.isAdmin && {
      server: { server_os: platform(), release: release(), version: version(), host: hostname(), machine: arch() },
    }),
    client: { user_agent: request.userAgent || null, ip_address: request.clientAddress, locale: 'en' },
    config: {
      always_wrap_resources: true,
      resources_wrapper: 'resource',
      db: {
        max_records_returned: config.maxRecordsReturned,
        time_format: null,
        date_format: null,
        datetime_format: null,
        timestamp_format: null,
      },
    },
  };
}

async function authentication(db: Db, tools: Tools): Promise<JsonObject> {
  const service = await db.selectFrom('service').selectAll().where('type', '=', 'user').executeTakeFirst();
  const settings = service ? shownSettings({ ...service }, tools) : {};
  const payload = { email: 'string', password: 'string', remember_me: 'bool' };
  return {
    admin: { path: 'system/admin/session', verb: 'POST', payload },
    user: { path: 'user/session', verb: 'POST', payload },
    oauth: [],
    adldap: [],
    saml: [],
    allow_open_registration: settings['allow_open_registration'] ?? false,
    open_reg_email_service_id: settings['open_reg_email_service_id'] ?? null,
    allow_forever_sessions: tools.config.allowForeverSessions,
    login_attribute: tools.config.loginAttribute,
  };
}

/** Active ones that can be opened: all for an administrator, else those with a role for everybody or for the user. */
async function appsOf(request: EnvironmentRequest, db: Db, tools: Tools): Promise<JsonObject[]> {
  const apps = await db
    .selectFrom('app')
    .selectAll('app')
    .select(storageServiceName.as(STORAGE_SERVICE_NAME))
    .where('is_active', '=', 1)
    .where('type', '<>', 0)
    .orderBy('id')
    .execute();
  const user = await db.selectFrom('user').select('default_app_id').where('id', '=', request.userId).executeTakeFirst();
  const assigned = await db
    .selectFrom('user_to_app_to_role')
    .select('app_id')
    .where('user_id', '=', request.userId)
    .execute();
  const isOpen = (app: App): boolean =>
    request.isAdmin || app.role_id !== null || assigned.some((row) => row.app_id === app.id);
  return apps.filter(isOpen).map((app) => ({
    id: app.id,
    name: app.name,
    description: app.description,
    url: launchUrl({ ...app }, tools),
    is_default: app.id === user?.default_app_id,
    allow_fullscreen_toggle: app.allow_fullscreen_toggle === 1,
    requires_fullscreen: app.requires_fullscreen === 1,
    toggle_location: app.toggle_location,
  }));
}

/** From the package, wherever this file was bundled to. */
function readVersion(): string {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    try {
      return (JSON.parse(readFileSync(fileURLToPath(new URL('package.json', folder)), 'utf8')) as { version: string })
        .version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || folder.pathname === '/') throw error;
    }
  }
}
