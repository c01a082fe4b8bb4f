/** Settings of the system service, from the environment; every fault is named at once. */
import { join, resolve } from 'node:path';
import { type Environment, EnvReader } from '#common/config/env.ts';
import { type NatsSettings, readNatsSettings } from '#common/scripts/nats-settings.ts';
import { isAddress } from './email/addresses.ts';

export interface SystemConfig {
  /** gRPC address: host:port (port 0: any free one) or unix:/path */
  readonly address: string;
  /** sqlite:path, postgres://… or mysql://… */
  readonly databaseUrl: string;
  readonly dataDir: string;
  readonly clusterToken: string | undefined;
  /** 32 bytes; undefined: kept in the data folder, generated at the first start. */
  readonly encryptionKey: Uint8Array | undefined;
  readonly adminEmail: string;
  readonly adminPassword: string | undefined;
  readonly tokenTtlSeconds: number;
  readonly tokenRefreshSeconds: number;
  readonly passwordLengthMin: number;
  readonly maxRecordsReturned: number;
  readonly allowForeverSessions: boolean;
  readonly loginAttribute: 'email' | 'username';
  readonly seedSample: boolean;
  /** Where clients reach the router, for the links of hosted apps; empty: links are relative. */
  readonly publicUrl: string;
  /** As e-mails call this installation. */
  readonly instanceName: string;
  /** Sender of e-mails that name none. */
  readonly mailFrom: string;
  /** Pages where a code from an e-mail is entered; empty: e-mails hold the code alone. */
  readonly inviteUrl: string;
  readonly registerUrl: string;
  readonly resetUrl: string;
  /** How long a code of an invitation or a registration is good, and one of a reset. */
  readonly confirmTtlSeconds: number;
  readonly resetTtlSeconds: number;
  /** How long jobs that are done can still be looked at. */
  readonly jobKeepHours: number;
  /** And those that are dead. */
  readonly jobKeepDeadDays: number;
  /** Where jobs are told of, beside the database; undefined: nowhere. */
  readonly nats: NatsSettings | undefined;
  /** Of JetStream; one for each installation. */
  readonly jobStream: string;
  readonly jobStreamReplicas: number;
  /** Of the storage tier, for scripts that are files. */
  readonly storageAddresses: readonly string[];
}

const DAY_SECONDS = 86_400;
const YEAR_SECONDS = 366 * DAY_SECONDS;
const YEAR_DAYS = 366;
const YEAR_HOURS = YEAR_DAYS * 24;
/** As many as JetStream makes of a stream. */
const STREAM_REPLICAS_MAX = 5;

/** @throws MillraceError `invalid` that names every faulty variable */
export function readConfig(env: Environment): SystemConfig {
  const reader = new EnvReader(env);
  const dataDir = resolve(reader.string('MILLRACE_DATA_DIR', './data'));
  return reader.finish({
    address: reader.string('MILLRACE_SYSTEM_ADDRESS', '127.0.0.1:7000'),
    databaseUrl: databaseUrl(reader, dataDir),
    dataDir,
    clusterToken: reader.optional('MILLRACE_CLUSTER_TOKEN'),
    encryptionKey: encryptionKey(reader),
    adminEmail: reader.string('MILLRACE_ADMIN_EMAIL', 'admin@example.com'),
    adminPassword: reader.optional('MILLRACE_ADMIN_PASSWORD'),
    tokenTtlSeconds: reader.integer('MILLRACE_TOKEN_TTL_SECONDS', DAY_SECONDS, 1, YEAR_SECONDS),
    tokenRefreshSeconds: reader.integer('MILLRACE_TOKEN_REFRESH_SECONDS', 14 * DAY_SECONDS, 60, YEAR_SECONDS),
    passwordLengthMin: reader.integer('MILLRACE_PASSWORD_LENGTH_MIN', 16, 1, 255),
    maxRecordsReturned: reader.integer('MILLRACE_MAX_RECORDS_RETURNED', 100_000, 1, 1_000_000),
    allowForeverSessions: reader.boolean('MILLRACE_ALLOW_FOREVER_SESSIONS', false),
    loginAttribute: reader.oneOf('MILLRACE_LOGIN_ATTRIBUTE', 'email', ['email', 'username']),
    seedSample: reader.boolean('MILLRACE_SEED_SAMPLE', false),
    publicUrl: reader.string('MILLRACE_PUBLIC_URL', '').replace(/\/+$/, ''),
    instanceName: reader.string('MILLRACE_INSTANCE_NAME', 'Millrace'),
    mailFrom: mailFrom(reader),
    inviteUrl: reader.string('MILLRACE_INVITE_URL', ''),
    registerUrl: reader.string('MILLRACE_REGISTER_URL', ''),
    resetUrl: reader.string('MILLRACE_RESET_URL', ''),
    confirmTtlSeconds: reader.integer('MILLRACE_CONFIRM_TTL_SECONDS', 60 * DAY_SECONDS, 1, YEAR_SECONDS),
    resetTtlSeconds: reader.integer('MILLRACE_RESET_TTL_SECONDS', DAY_SECONDS, 1, YEAR_SECONDS),
    jobKeepHours: reader.integer('MILLRACE_JOB_KEEP_HOURS', 72, 1, YEAR_HOURS),
    jobKeepDeadDays: reader.integer('MILLRACE_JOB_KEEP_DEAD_DAYS', 30, 1, YEAR_DAYS),
    nats: readNatsSettings(reader),
    jobStream: jobStream(reader),
    jobStreamReplicas: reader.integer('MILLRACE_JOB_STREAM_REPLICAS', 1, 1, STREAM_REPLICAS_MAX),
    storageAddresses: reader.list('MILLRACE_STORAGE_ADDRESSES', ['127.0.0.1:7003']),
  });
}

function databaseUrl(reader: EnvReader, dataDir: string): string {
  const url = reader.string('MILLRACE_SYSTEM_DB', `sqlite:${join(dataDir, 'system.sqlite')}`);
  if (!/^(sqlite:|postgres(ql)?:\/\/|mysql:\/\/)/.test(url)) {
    reader.fault('MILLRACE_SYSTEM_DB must begin with sqlite:, postgres:// or mysql://');
  }
  return url;
}

function mailFrom(reader: EnvReader): string {
  const address = reader.string('MILLRACE_MAIL_FROM', 'no-reply@localhost');
  if (!isAddress(address)) reader.fault('MILLRACE_MAIL_FROM must be an e-mail address');
  return address;
}

function jobStream(reader: EnvReader): string {
  const name = reader.string('MILLRACE_JOB_STREAM', 'millrace_jobs');
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
    reader.fault('MILLRACE_JOB_STREAM must be 1 to 64 letters, digits, dashes and underscores');
  }
  return name;
}

function encryptionKey(reader: EnvReader): Uint8Array | undefined {
  const text = reader.optional('MILLRACE_ENCRYPTION_KEY');
  if (text === undefined) return undefined;
  const key = Buffer.from(text, 'base64');
  if (key.length !== 32) reader.fault('MILLRACE_ENCRYPTION_KEY must be 32 bytes in base64');
  return key;
}
