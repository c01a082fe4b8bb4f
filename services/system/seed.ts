/** What a fresh installation has: three services, one administrator, a CORS rule; nothing with a known password. */

import { generateApiKey } from './apps/rules.ts';
import { besideOthers } from './beside-others.ts';
import { type Changes, dirtyKinds } from './changes.ts';
import { ALL_VERBS_MASK } from './cors/rules.ts';
import { followGivenIds } from './database/open.ts';
import { generatePassword } from './passwords.ts';
import type { Tools } from './records/model.ts';
import { timestamp } from './records/timestamp.ts';

/** Ids that programs written for the original know. */
const SYSTEM_ID = 1;
const API_DOCS_ID = 2;
const SAMPLE_ID = 5;
const USER_ID = 7;

const GET = 1;
const API = 1;

export interface FirstAdmin {
  readonly email: string;
  /** undefined: it was given, so there is nothing to tell. */
  readonly password: string | undefined;
}

/** @returns the first administrator, where one was made now */
export async function seed(changes: Changes, tools: Tools): Promise<FirstAdmin | undefined> {
  await besideOthers(() => seedServices(changes, tools));
  await besideOthers(() => seedApiDocs(changes, tools));
  return besideOthers(() => seedAdmin(changes, tools));
}

async function seedServices(changes: Changes, tools: Tools): Promise<void> {
  const some = await changes.db.selectFrom('service').select('id').executeTakeFirst();
  if (some) return;
  await changes.commit(dirtyKinds('services', 'corsRules'), async (trx) => {
    const config = tools.secrets.seal('{}');
    const common = { is_active: 1, deletable: 0, config, ...untraced() };
    await trx
      .insertInto('service')
      .values([
        {
          ...common,
          id: SYSTEM_ID,
          name: 'system',
          label: 'System Management',
          description: 'Service for managing system resources.',
          type: 'system',
          mutable: 0,
        },
        {
          ...common,
          id: USER_ID,
          name: 'user',
          label: 'User Management',
          description: 'Service for managing system users.',
          type: 'user',
          mutable: 1,
        },
      ])
      .execute();
    await followGivenIds(trx, tools.engine, 'service');
    await trx
      .insertInto('cors_config')
      .values({
        path: '*',
        origin: '*',
        header: '*',
        method: ALL_VERBS_MASK,
        max_age: 0,
        enabled: 1,
        description: 'Any web page; credentials are never sent along by browsers.',
        exposed_header: null,
        supports_credentials: 0,
        ...untraced(),
      })
      .execute();
  });
}

/** Also where an earlier version made the others: nobody can delete it, so it is missing only there. */
async function seedApiDocs(changes: Changes, tools: Tools): Promise<void> {
  const like = changes.db.selectFrom('service').select('id');
  if (await like.where((eb) => eb.or([eb('type', '=', 'swagger'), eb('name', '=', 'api_docs')])).executeTakeFirst()) {
    return;
  }
  const isFree = (await like.where('id', '=', API_DOCS_ID).executeTakeFirst()) === undefined;
  await changes.commit(dirtyKinds('services'), async (trx) => {
    await trx
      .insertInto('service')
      .values({
        ...(isFree && { id: API_DOCS_ID }),
        name: 'api_docs',
        label: 'Live API Docs',
        description: 'API documenting and testing service.',
        type: 'swagger',
        is_active: 1,
        mutable: 0,
        deletable: 0,
        config: tools.secrets.seal('{}'),
        ...untraced(),
      })
      .execute();
    await followGivenIds(trx, tools.engine, 'service');
  });
}

async function seedAdmin(changes: Changes, tools: Tools): Promise<FirstAdmin | undefined> {
  const admin = await changes.db.selectFrom('user').select('id').where('is_sys_admin', '=', 1).executeTakeFirst();
  if (admin) return undefined;
  const { adminEmail: email, adminPassword } = tools.config;
  const password = adminPassword ?? generatePassword();
  const hash = await tools.passwords.hash(password);
  await changes.commit(dirtyKinds('users'), async (trx) => {
    await trx
      .insertInto('user')
      .values({
        name: 'Administrator',
        first_name: 'System',
        last_name: 'Administrator',
        last_login_date: null,
        email,
        is_active: 1,
        phone: null,
        security_question: null,
        default_app_id: null,
        oauth_provider: null,
        username: email,
        is_sys_admin: 1,
        password_hash: hash,
        security_answer_hash: null,
        confirm_code: null,
        tokens_valid_from: 0,
        ...untraced(),
      })
      .execute();
  });
  return { email, password: adminPassword === undefined ? password : undefined };
}

/**
 * The sample: a service on the data folder's SQLite file, a role that reads it, and an application that has this role.
 * Once only, so what an administrator has deleted stays deleted. Waits until a connector serves SQLite.
 *
 * @returns the application's key; undefined where the sample was made before
 */
export async function seedSample(changes: Changes, tools: Tools, signal: AbortSignal): Promise<string | undefined> {
  const made = await changes.db
    .selectFrom('setting')
    .select('name')
    .where('name', '=', 'sample_seeded')
    .executeTakeFirst();
  if (made) return undefined;
  await tools.types.known('sqlite', signal);
  return changes.commit(dirtyKinds('services', 'roles', 'apps'), async (trx) => {
    await trx.insertInto('setting').values({ name: 'sample_seeded', value: '1' }).execute();
    await trx
      .insertInto('service')
      .values({
        id: SAMPLE_ID,
        name: 'db',
        label: 'Local SQL Database',
        description: 'Service for accessing local SQLite database.',
        is_active: 1,
        type: 'sqlite',
        mutable: 1,
        deletable: 1,
        config: tools.secrets.seal(JSON.stringify({ database: 'db.sqlite' })),
        ...untraced(),
      })
      .execute();
    const role = { name: 'sample reader', description: 'Reads the sample data.', is_active: 1, ...untraced() };
    await trx.insertInto('role').values(role).execute();
    const { id: roleId } = await trx
      .selectFrom('role')
      .select('id')
      .where('name', '=', role.name)
      .executeTakeFirstOrThrow();
    await trx
      .insertInto('role_service_access')
      .values({
        role_id: roleId,
        service_id: SAMPLE_ID,
        component: '*',
        verb_mask: GET,
        requestor_mask: API,
        filters: null,
        filter_op: 'AND',
        ...untraced(),
      })
      .execute();
    const apiKey = generateApiKey();
    await trx
      .insertInto('app')
      .values({
        name: 'sample',
        api_key: apiKey,
        description: 'Reads the sample data.',
        is_active: 1,
        type: 0,
        path: null,
        url: null,
        storage_service_id: null,
        storage_container: null,
        requires_fullscreen: 0,
        allow_fullscreen_toggle: 1,
        toggle_location: 'top',
        role_id: roleId,
        ...untraced(),
      })
      .execute();
    return apiKey;
  });
}

function untraced() {
  const now = timestamp();
  return { created_date: now, last_modified_date: now, created_by_id: null, last_modified_by_id: null };
}
