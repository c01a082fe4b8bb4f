/**
 * The tables of the system database as kysely types. Booleans are 0 and 1, moments are ISO text in UTC: the same in
 * SQLite, PostgreSQL and MySQL.
 */
import type { Generated } from 'kysely';

type Flag = number;
/** 2026-11-23T23:51:29.000000Z */
type Moment = string;

interface Traced {
  created_date: Moment;
  last_modified_date: Moment;
  created_by_id: number | null;
  last_modified_by_id: number | null;
}

export interface UserTable extends Traced {
  id: Generated<number>;
  name: string;
  first_name: string | null;
  last_name: string | null;
  last_login_date: string | null;
  email: string;
  is_active: Flag;
  phone: string | null;
  security_question: string | null;
  default_app_id: number | null;
  oauth_provider: string | null;
  username: string | null;
  is_sys_admin: Flag;
  password_hash: string | null;
  security_answer_hash: string | null;
  /** Digest of a code that was sent and not used yet. */
  confirm_code: string | null;
  /** Seconds since 1970. */
  code_expires_at: number | null;
  /** The address was found to be his own, or nobody has asked. */
  is_confirmed: Generated<Flag>;
  /** Seconds since 1970. */
  tokens_valid_from: number;
}

export interface RoleTable extends Traced {
  id: Generated<number>;
  name: string;
  description: string | null;
  is_active: Flag;
}

export interface RoleServiceAccessTable extends Traced {
  id: Generated<number>;
  role_id: number;
  service_id: number | null;
  component: string | null;
  verb_mask: number;
  requestor_mask: number;
  /** JSON */
  filters: string | null;
  filter_op: string;
}

export interface AppTable extends Traced {
  id: Generated<number>;
  name: string;
  api_key: string;
  description: string | null;
  is_active: Flag;
  type: number;
  path: string | null;
  url: string | null;
  storage_service_id: number | null;
  storage_container: string | null;
  requires_fullscreen: Flag;
  allow_fullscreen_toggle: Flag;
  toggle_location: string;
  role_id: number | null;
}

export interface ServiceTable extends Traced {
  id: Generated<number>;
  name: string;
  label: string;
  description: string | null;
  is_active: Flag;
  type: string;
  mutable: Flag;
  deletable: Flag;
  /** Sealed JSON. */
  config: string;
}

export interface ServiceDocTable extends Traced {
  id: Generated<number>;
  service_id: number;
  format: number;
  content: string | null;
}

export interface ServiceTypeTable {
  name: string;
  label: string;
  description: string;
  group: string;
  singleton: Flag;
  tier: string;
  /** ConfigField[] as JSON; null: the type has no settings. */
  config_schema: string | null;
}

export interface UserToAppToRoleTable extends Traced {
  id: Generated<number>;
  user_id: number;
  app_id: number;
  role_id: number;
}

export interface LookupTable extends Traced {
  id: Generated<number>;
  user_id: number | null;
  role_id: number | null;
  app_id: number | null;
  name: string;
  /** Sealed where it is private. */
  value: string | null;
  private: Flag;
  description: string | null;
}

export interface CorsConfigTable extends Traced {
  id: Generated<number>;
  path: string;
  origin: string;
  header: string | null;
  method: number;
  max_age: number;
  enabled: Flag;
  description: string | null;
  exposed_header: string | null;
  supports_credentials: Flag;
}

export interface EmailTemplateTable extends Traced {
  id: Generated<number>;
  name: string;
  description: string | null;
  /** JSON: a text, {name, email} or a list of those; cc and bcc too. */
  to: string | null;
  cc: string | null;
  bcc: string | null;
  subject: string | null;
  body_text: string | null;
  body_html: string | null;
  from_name: string | null;
  from_email: string | null;
  reply_to_name: string | null;
  reply_to_email: string | null;
  /** JSON object */
  defaults: string | null;
}

export interface EventScriptTable extends Traced {
  id: Generated<number>;
  name: string;
  type: string;
  content: string | null;
  config: string | null;
  storage_service_id: number | null;
  scm_repository: string | null;
  scm_reference: string | null;
  storage_path: string | null;
  is_active: Flag;
  allow_event_modification: Flag;
}

export interface ScriptTypeTable {
  name: string;
  label: string;
  description: string;
  sandboxed: Flag;
  supports_inline_execution: Flag;
}

export interface SystemCustomTable extends Traced {
  id: Generated<number>;
  name: string;
  /** JSON */
  value: string | null;
}

export interface UserCustomTable extends SystemCustomTable {
  user_id: number;
}

export interface SchemaExtraTable {
  id: Generated<number>;
  service_id: number;
  table_name: string;
  /** Empty: about the table, or about a relation. */
  field_name: string;
  relation_name: string;
  /** JSON object */
  properties: string;
}

export interface TokenRevocationTable {
  jti: string;
  /** Seconds since 1970. */
  expires_at: number;
}

export interface KeptAnswerTable {
  /** Digest in hexadecimal. */
  key: string;
  request: string;
  /** Milliseconds since 1970: until then the write may be under way. */
  lease_until: number;
  expires_at: number;
  /** null: not answered yet. */
  status: number | null;
  /** JSON: [name, value][] */
  headers: string | null;
  /** Base64. */
  body: string | null;
}

export interface LimitTable extends Traced {
  id: Generated<number>;
  type: string;
  /** What is counted together. */
  key_text: string;
  rate: number;
  /** Index of a period. */
  period: number;
  user_id: number | null;
  role_id: number | null;
  service_id: number | null;
  name: string;
  description: string | null;
  is_active: Flag;
  endpoint: string | null;
  verb: string | null;
}

export interface AuditTable {
  id: Generated<number>;
  created_date: Moment;
  user_id: number | null;
  role_id: number | null;
  app_id: number | null;
  action: string;
  resource: string;
  record_id: string;
  /** JSON: names. */
  fields: string;
  request_id: string | null;
}

export interface TokenIssuerTable extends Traced {
  id: Generated<number>;
  name: string;
  description: string | null;
  is_active: Flag;
  issuer: string;
  audience: string;
  jwks_url: string;
  /** JSON object */
  claims: string | null;
  role_id: number;
}

export interface JobTable {
  id: Generated<number>;
  kind: string;
  name: string;
  state: string;
  attempts: number;
  attempts_max: number;
  /** When it may be claimed: of a running one, when its lease ends; null: it is over. */
  next_attempt_date: Moment | null;
  /** Who has the lease. */
  holder: string | null;
  /** Where a broker takes word about the message that brought it. */
  ticket: string | null;
  last_error: string | null;
  logs: string | null;
  status_code: number | null;
  /** JSON */
  result: string | null;
  user_id: number | null;
  app_id: number | null;
  role_id: number | null;
  /** What it is a run of. */
  task_id: number | null;
  created_date: Moment;
  started_date: Moment | null;
  finished_date: Moment | null;
  last_modified_date: Moment | null;
  last_modified_by_id: number | null;
}

/** Apart from its job, which changes often and is read by many. */
export interface JobWorkTable {
  job_id: number;
  work: Buffer;
}

export interface SchedulerTable extends Traced {
  id: Generated<number>;
  name: string;
  description: string | null;
  is_active: Flag;
  service_id: number;
  component: string | null;
  verb_mask: number;
  /** Minutes. */
  frequency: number;
  cron: string | null;
  time_zone: string;
  /** JSON */
  payload: string | null;
  app_id: number | null;
  user_id: number | null;
  /** null: never. */
  next_run_date: Moment | null;
  /** A time that was left out, as the run before was not over. */
  skipped_date: Moment | null;
}

export interface TaskLogTable {
  task_id: number;
  status_code: number;
  content: string | null;
  created_date: Moment;
  last_modified_date: Moment;
}

export interface SettingTable {
  name: string;
  value: string;
}

export interface ChangeCounterTable {
  id: number;
  version: number;
}

export interface Tables {
  user: UserTable;
  role: RoleTable;
  role_service_access: RoleServiceAccessTable;
  app: AppTable;
  service: ServiceTable;
  service_doc: ServiceDocTable;
  service_type: ServiceTypeTable;
  user_to_app_to_role: UserToAppToRoleTable;
  lookup: LookupTable;
  cors_config: CorsConfigTable;
  email_template: EmailTemplateTable;
  event_script: EventScriptTable;
  script_type: ScriptTypeTable;
  system_custom: SystemCustomTable;
  user_custom: UserCustomTable;
  schema_extra: SchemaExtraTable;
  token_revocation: TokenRevocationTable;
  kept_answer: KeptAnswerTable;
  limit: LimitTable;
  audit: AuditTable;
  token_issuer: TokenIssuerTable;
  job: JobTable;
  job_work: JobWorkTable;
  scheduler: SchedulerTable;
  task_log: TaskLogTable;
  setting: SettingTable;
  change_counter: ChangeCounterTable;
}
