/** The system service: users, roles, apps, services and sessions in the system database, pushed to who needs them. */
import type { Kysely } from 'kysely';
import type { Component } from '#common/component.ts';
import { dataConnector } from '#common/exchange/server.ts';
import { FileStoreClient } from '#common/files/client.ts';
import { startGrpcServer } from '#common/grpc/server.ts';
import type { Logger } from '#common/observe/log.ts';
import { forgetOld } from './audit/trail.ts';
import { besideOthers } from './beside-others.ts';
import { Changes, dirtyKinds } from './changes.ts';
import type { SystemConfig } from './config.ts';
import { engineOf, openDatabase } from './database/open.ts';
import type { Tables } from './database/tables.ts';
import { Emails } from './email/service.ts';
import { loadInstance } from './instance.ts';
import { startJobs } from './jobs/start.ts';
import { KeptAnswers } from './kept-answers.ts';
import { LimitCountsHub } from './limits/counts.ts';
import { modelNamed } from './models.ts';
import { systemConnector } from './operations.ts';
import { Packages } from './packages/packages.ts';
import { packagesService } from './packages/rpc.ts';
import { Passwords } from './passwords.ts';
import { Publisher } from './publish.ts';
import type { Tools } from './records/model.ts';
import { Records } from './records/records.ts';
import {
  environmentsService,
  keptAnswersService,
  schemaExtrasService,
  scriptFilesService,
  sessionsService,
} from './rpc.ts';
import { LinkedScripts } from './scripts/linked.ts';
import { keyOfFolder, Secrets } from './secrets.ts';
import { type FirstAdmin, seed, seedSample } from './seed.ts';
import { seedEmail } from './seed-email.ts';
import { seedFiles } from './seed-files.ts';
import { ServiceTypes } from './service-types/registry.ts';
import { Sessions } from './sessions.ts';
import { SnapshotLoader } from './snapshot.ts';
import { Tokens } from './tokens.ts';
import { Accounts } from './users/account/accounts.ts';
import { AccountMails } from './users/account/mails.ts';
import { accountsService, emailsService } from './users/account/rpc.ts';

export { readConfig, type SystemConfig } from './config.ts';

/** How often revocations that outlived their tokens are thrown away. */
const CLEANING_INTERVAL_MS = 3_600_000;

export interface SystemService extends Component {
  /** Where it really listens. */
  readonly address: string;
  /** First start only. */
  readonly firstAdmin: FirstAdmin | undefined;
  /** First start with the sample only, once a connector for SQLite has appeared. */
  readonly sampleApiKey: string | undefined;
}

/** @throws MillraceError invalid or unavailable, with nothing left running */
export async function start(config: SystemConfig, log: Logger): Promise<SystemService> {
  const secrets = new Secrets(config.encryptionKey ?? (await keyOfFolder(config.dataDir)));
  const db = await openDatabase(config.databaseUrl);
  try {
    return await startOn(db, config, secrets, log);
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function startOn(
  db: Kysely<Tables>,
  config: SystemConfig,
  secrets: Secrets,
  log: Logger,
): Promise<SystemService> {
  const changes = new Changes(db);
  const types = new ServiceTypes();
  const engine = engineOf(config.databaseUrl);
  const emails = new Emails(db, secrets, config);
  const mails = new AccountMails(db, emails, secrets, config);
  const tools: Tools = { config, engine, secrets, passwords: new Passwords(), types, mails, model: modelNamed };
  const instance = await loadInstance(db, secrets);
  await types.load(db);
  await types.announceOwn(changes);
  const firstAdmin = await seed(changes, tools);
  await seedEmail(changes, tools);
  await seedFiles(changes, tools);
  const sessions = new Sessions(changes, config, tools.passwords, new Tokens(instance.tokenSecrets));
  const accounts = new Accounts(changes, tools, sessions, log);
  const kept = new KeptAnswers(db);
  const counts = new LimitCountsHub();
  const files = new FileStoreClient(
    config.storageAddresses.map((address) => ({ address, token: config.clusterToken, peer: 'storage' })),
  );
  const linked = new LinkedScripts(files, () => publisher.changed(dirtyKinds('services', 'eventScripts')), log);
  const publisher: Publisher = new Publisher(changes, new SnapshotLoader(db, tools, instance, linked), types, log);
  await publisher.start();
  const jobs = startJobs(db, config, log);
  const server = await startGrpcServer({
    name: 'system',
    address: config.address,
    token: config.clusterToken,
    services: [
      dataConnector(systemConnector(new Records(changes, tools)), log),
      sessionsService(sessions, log),
      accountsService(accounts, log),
      emailsService(emails, log),
      environmentsService(changes, tools),
      schemaExtrasService(changes, log),
      scriptFilesService(linked),
      keptAnswersService(kept),
      packagesService(new Packages(changes, tools), log),
      jobs.service,
      counts.service,
      publisher.service,
    ],
  }).catch(async (error: unknown) => {
    await linked.close();
    files.close();
    await publisher.close();
    await jobs.close();
    throw error;
  });
  const stopped = new AbortController();
  let sampleApiKey: string | undefined;
  const sample = config.seedSample
    ? besideOthers(() => seedSample(changes, tools, stopped.signal))
    : Promise.resolve(undefined);
  const seeded = sample.then(
    (key) => {
      sampleApiKey = key;
    },
    (error: unknown) => {
      if (!stopped.signal.aborted) log.error({ err: error }, 'the sample could not be made');
    },
  );
  const clean = (): void => {
    sessions.forgetExpired().catch((error: unknown) => log.warn({ err: error }, 'old revocations stay'));
    forgetOld(db).catch((error: unknown) => log.warn({ err: error }, 'old audit entries stay'));
    kept.forgetExpired().catch((error: unknown) => log.warn({ err: error }, 'old answers stay'));
  };
  clean();
  const cleaner = setInterval(clean, CLEANING_INTERVAL_MS);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    clearInterval(cleaner);
    stopped.abort();
    counts.close();
    await linked.close();
    files.close();
    await publisher.close();
    await jobs.close();
    await server.close();
    await seeded;
    await accounts.settled();
    emails.close();
    await db.destroy();
  };
  return {
    name: 'system',
    address: server.address,
    firstAdmin,
    get sampleApiKey() {
      return sampleApiKey;
    },
    drain: async (deadline) => {
      // Watches never end by themselves, and claims wait long.
      counts.close();
      await publisher.close();
      await jobs.close();
      await server.drain(deadline);
    },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
