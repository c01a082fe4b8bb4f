/** A running system service for tests, spoken to over its real port. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Environment } from '#common/config/env.ts';
import type { ConfigField } from '#common/config/field.ts';
import { MillraceError } from '#common/errors.ts';
import { errorFromMessage } from '#common/exchange/errors.ts';
import { Channel } from '#common/grpc/channel.ts';
import { createLogger } from '#common/observe/log.ts';
import {
  AccessControl,
  type Scope,
  type ServiceType,
  ServiceTypeSchema,
  type Update,
} from '#proto/access/v1/access_pb.ts';
import {
  type CallerSchema,
  DataConnector,
  OperationSchema,
  type Result,
  ShapeSchema,
  type Value,
  ValueSchema,
} from '#proto/data/v1/data_pb.ts';
import {
  Accounts,
  Emails,
  Environments,
  Jobs,
  type JsonReply,
  KeptAnswers,
  LoginRequestSchema,
  SchemaExtras,
  type SessionReply,
  Sessions,
  type UserKind,
} from '#proto/system/v1/system_pb.ts';
import { readConfig, type SystemService, start } from '../index.ts';

export const ADMIN = { email: 'admin@example.com', password: 'Secret-Passw0rd-16' };
const TOKEN = 'tiers-know-this';
const TIMEOUT_MS = 20_000;

export type Action = NonNullable<MessageInitShape<typeof ShapeSchema>['action']>;
type Caller = MessageInitShape<typeof CallerSchema>;

export interface Sent {
  readonly keys?: readonly (string | number)[];
  readonly parameters?: readonly Value[];
  readonly records?: unknown;
  /** The same as bytes, for what this language would change. */
  readonly body?: Uint8Array;
  readonly caller?: Caller;
}

export const text = (value: string): Value => create(ValueSchema, { kind: { case: 'text', value } });
export const number = (value: number): Value => create(ValueSchema, { kind: { case: 'number', value: String(value) } });
export const byAdmin: Caller = { userId: 1, isAdmin: true };

export class TestSystem {
  readonly service: SystemService;
  readonly #folder: string;
  readonly #data: Channel<typeof DataConnector>;
  readonly sessions: Channel<typeof Sessions>;
  readonly accounts: Channel<typeof Accounts>;
  readonly emails: Channel<typeof Emails>;
  readonly environments: Channel<typeof Environments>;
  readonly extras: Channel<typeof SchemaExtras>;
  readonly kept: Channel<typeof KeptAnswers>;
  readonly jobs: Channel<typeof Jobs>;
  readonly access: Channel<typeof AccessControl>;

  private constructor(service: SystemService, folder: string, token: string) {
    const settings = { address: service.address, token, peer: 'system' };
    this.service = service;
    this.#folder = folder;
    this.#data = new Channel(DataConnector, settings);
    this.sessions = new Channel(Sessions, settings);
    this.accounts = new Channel(Accounts, settings);
    this.emails = new Channel(Emails, settings);
    this.environments = new Channel(Environments, settings);
    this.extras = new Channel(SchemaExtras, settings);
    this.kept = new Channel(KeptAnswers, settings);
    this.jobs = new Channel(Jobs, settings);
    this.access = new Channel(AccessControl, settings);
  }

  static async start(env: Environment = {}): Promise<TestSystem> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-system-'));
    const config = readConfig({
      MILLRACE_SYSTEM_ADDRESS: '127.0.0.1:0',
      MILLRACE_DATA_DIR: folder,
      MILLRACE_CLUSTER_TOKEN: TOKEN,
      MILLRACE_ADMIN_EMAIL: ADMIN.email,
      MILLRACE_ADMIN_PASSWORD: ADMIN.password,
      ...env,
    });
    return new TestSystem(await start(config, createLogger('system', 'fatal')), folder, TOKEN);
  }

  /** A second caller, who may know another token. */
  static connect(service: SystemService, token: string): TestSystem {
    return new TestSystem(service, '', token);
  }

  leave(): void {
    const { sessions, accounts, emails, environments, extras, kept, jobs, access } = this;
    const channels = [this.#data, sessions, accounts, emails, environments, extras, kept, jobs, access];
    for (const channel of channels) channel.close();
  }

  async stop(): Promise<void> {
    this.leave();
    await this.service.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** @throws MillraceError as the reply says it */
  async execute(action: Action, sent: Sent = {}, service = 'system'): Promise<Result> {
    const operation = create(OperationSchema, {
      form: { case: 'shape', value: create(ShapeSchema, { service, action }) },
      keys: (sent.keys ?? []).map((key) => text(String(key))),
      parameters: [...(sent.parameters ?? [])],
      records: sent.body ?? Buffer.from(sent.records === undefined ? '' : JSON.stringify(sent.records)),
      caller: sent.caller ?? byAdmin,
    });
    const { outcome } = await this.#data.call('execute', operation, TIMEOUT_MS);
    if (outcome.case === 'result') return outcome.value;
    throw outcome.case === 'error' ? errorFromMessage(outcome.value) : new Error(`outcome ${outcome.case}`);
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  async json(action: Action, sent: Sent = {}, service = 'system'): Promise<any> {
    return JSON.parse(Buffer.from((await this.execute(action, sent, service)).json).toString());
  }

  login(kind: UserKind, email: string, password: string, more: { appId?: number; clientAddress?: string } = {}) {
    return this.sessions.call('login', create(LoginRequestSchema, { kind, email, password, ...more }), TIMEOUT_MS);
  }

  /** The e-mails to an address that were written so far, the oldest first. */
  async mailsTo(address: string): Promise<string[]> {
    const folder = join(this.#folder, 'mail');
    const files = await readdir(folder).catch(() => []);
    const whole = files.filter((file) => file.endsWith('.eml')).sort();
    const texts = await Promise.all(whole.map((file) => readFile(join(folder, file), 'utf8')));
    return texts.filter((mail) => /^To: (.*)$/m.exec(mail)?.[1]?.includes(address));
  }

  /** The code of the last e-mail to an address, when there are so many of them. */
  async codeTo(address: string, count = 1): Promise<string> {
    for (const until = Date.now() + TIMEOUT_MS; Date.now() < until; ) {
      const mails = await this.mailsTo(address);
      if (mails.length >= count) return /^([0-9A-Z]{32})\r?$/m.exec(mails.at(-1)!)![1]!;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`no e-mail came to ${address}`);
  }

  watch(scope: Scope, serviceTypes: readonly ServiceType[] = []): Watch {
    return new Watch(this.access, scope, [...serviceTypes]);
  }
}

/** The session answer, or the failure as an error. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
export function sessionOf({ outcome }: SessionReply): any {
  if (outcome.case === 'sessionJson') return JSON.parse(Buffer.from(outcome.value).toString());
  throw new MillraceError((outcome.value?.code ?? 'internal') as MillraceError['code'], outcome.value?.message ?? '');
}

/** The answer with what was left out, or the failure as an error. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
export function replyOf({ outcome, dropped }: JsonReply): any {
  if (outcome.case === 'json') {
    const json = JSON.parse(Buffer.from(outcome.value).toString());
    return dropped.length > 0 ? { ...json, dropped } : json;
  }
  const { code, message, contextJson } = outcome.value ?? { code: 'internal', message: '', contextJson: [] };
  const context = contextJson.length > 0 ? JSON.parse(Buffer.from(contextJson).toString()) : undefined;
  throw new MillraceError(code as MillraceError['code'], message, context);
}

/** Collects updates; waits for the one that a test is about. */
export class Watch {
  readonly updates: Update[] = [];
  /** Why the stream ended. */
  readonly failed: Promise<Error>;
  readonly #call;
  #notify: () => void = () => {};

  constructor(access: Channel<typeof AccessControl>, scope: Scope, serviceTypes: ServiceType[]) {
    const request = { $typeName: 'millrace.access.v1.WatchRequest' as const, scope, tier: 'sql', serviceTypes };
    this.#call = access.watch('watch', request);
    this.#call.on('data', (update: Update) => {
      this.updates.push(update);
      this.#notify();
    });
    this.failed = new Promise((resolve) => this.#call.on('error', resolve));
  }

  async until(wanted: (update: Update) => boolean): Promise<Update> {
    for (;;) {
      const found = this.updates.find(wanted);
      if (found) return found;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('the update did not come')), 5000);
        this.#notify = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  cancel(): void {
    this.#call.cancel();
  }
}

const field = (name: string, type: ConfigField['type'], more: Partial<ConfigField> = {}): ConfigField => ({
  name,
  label: name,
  type,
  description: '',
  ...more,
});

export const PGSQL_FIELDS: readonly ConfigField[] = [
  field('host', 'string', { required: true }),
  field('port', 'integer'),
  field('database', 'string', { required: true }),
  field('username', 'string'),
  field('password', 'password'),
  field('options', 'object', { allow_null: true }),
  field('allow_upsert', 'boolean', { default: false }),
];

export const SQL_TYPES = [
  ['pgsql', 'PostgreSQL', PGSQL_FIELDS] as const,
  ['sqlite', 'SQLite', [field('database', 'string', { required: true }), field('max_records', 'integer')]] as const,
].map(([name, label, fields]) =>
  create(ServiceTypeSchema, {
    name,
    label,
    description: `Database service supporting ${label}.`,
    group: 'Database',
    configSchemaJson: Buffer.from(JSON.stringify(fields)),
  }),
);
