/** The router: the REST door, and everything that is decided before a connector is asked. */
import { type Component, startAll } from '#common/component.ts';
import { ExchangeClient } from '#common/exchange/client.ts';
import { FileStoreClient } from '#common/files/client.ts';
import { Channel } from '#common/grpc/channel.ts';
import { Counters } from '#common/limits/counters.ts';
import type { Logger } from '#common/observe/log.ts';
import { Replicas } from '#common/replicas.ts';
import {
  Accounts,
  Emails,
  Environments,
  Jobs,
  KeptAnswers,
  LimitCounts,
  Packages,
  ScriptFiles,
  Sessions,
} from '#proto/system/v1/system_pb.ts';
import { SavedSnapshot } from './access/saved.ts';
import { AccessState } from './access/state.ts';
import { AccessWatch } from './access/watch.ts';
import { Limits } from './admit/limits.ts';
import { SharedCounts } from './admit/share.ts';
import { BasicVerifier } from './authenticate/basic.ts';
import { IssuerVerifier } from './authenticate/issuers.ts';
import { TokenVerifier } from './authenticate/token.ts';
import type { RouterConfig } from './config.ts';
import { Cors } from './decide/cors.ts';
import { FileCalls } from './files/calls.ts';
import { SignedUrls } from './files/signed-urls.ts';
import { isFileContent } from './files/streamed.ts';
import { Forwarder } from './forward/forward.ts';
import { type GatewayDoor, listenGateway } from './gateway/listen.ts';
import { HotFiles } from './hosting/hot-files.ts';
import { PublicFiles } from './hosting/public-files.ts';
import { watchedStore } from './hosting/watched-store.ts';
import type { ListenerOptions } from './http/door.ts';
import { listen } from './http/listener.ts';
import { Idempotency } from './idempotency.ts';
import { carryOut } from './jobs/carry-out.ts';
import { JobQueue } from './jobs/queue.ts';
import { JobWorker } from './jobs/worker.ts';
import { Listings } from './listings.ts';
import { Documents } from './openapi/documents.ts';
import { Viewer } from './openapi/viewer.ts';
import { isImport } from './parse/import/body-stream.ts';
import { Pipeline } from './pipeline.ts';
import { RememberedCalls } from './remembered.ts';
import { Grants } from './script/grant.ts';
import { HeldImports } from './script/held-import.ts';
import { KeptScriptAnswers } from './script/kept-answers.ts';
import { openLines } from './script/lines.ts';
import { LinkedFiles } from './script/linked-files.ts';
import { Listeners } from './script/listeners.ts';
import { ScriptRunner } from './script/runner.ts';
import { ScriptedCalls } from './script/scripted.ts';
import { Sessions as ScriptSessions } from './script/session.ts';
import { ScriptTrials } from './script/trial.ts';
import { AccountCalls } from './system/accounts.ts';
import { SystemCalls } from './system/calls.ts';
import { EmailCalls } from './system/emails.ts';
import { EventMap } from './system/event-map.ts';
import { LimitCache } from './system/limit-cache.ts';
import { PackageCalls } from './system/packages.ts';
import { ServiceCaches } from './system/service-caches.ts';
import { SessionCalls } from './system/sessions.ts';
import { statusOf } from './system/status.ts';

export { readConfig } from './config.ts';

/** Where it can be reached. */
export interface Ports {
  readonly port: number;
  /** Undefined where the public gRPC door is off. */
  readonly grpcPort: number | undefined;
}

export async function start(config: RouterConfig, log: Logger): Promise<Component & Ports> {
  const system = { address: config.systemAddress, token: config.clusterToken, peer: 'system' };
  const sessions = new Channel(Sessions, system);
  const environments = new Channel(Environments, system);
  const accounts = new Channel(Accounts, system);
  const emails = new Channel(Emails, system);
  const kept = new Channel(KeptAnswers, system);
  const packages = new Channel(Packages, system);
  const jobs = new Channel(Jobs, system);
  const state = new AccessState();
  const watch = new AccessWatch(state, new SavedSnapshot(config.snapshotFile, log), system, log);
  const limits = new Limits(state, new Counters());
  const shared = new SharedCounts(new Channel(LimitCounts, system), limits.counters);
  const forwarder = new Forwarder(
    new Map(
      Object.entries(config.tiers).map(([tier, addresses]) => [
        tier,
        new Replicas(
          addresses.map((address) => new ExchangeClient({ address, token: config.clusterToken, peer: tier })),
        ),
      ]),
    ),
  );
  const files = new FileStoreClient(
    config.storageAddresses.map((address) => ({ address, token: config.clusterToken, peer: 'storage' })),
  );
  const hot = new HotFiles(config.hotFilesBytes);
  const store = watchedStore(files, hot);
  const streams: NonNullable<ListenerOptions['streams']> = (request, contentLength) =>
    isImport(request, contentLength, config.bodyBytesMax) || isFileContent(request, state);
  const authenticators = {
    state,
    tokens: new TokenVerifier(state),
    basic: new BasicVerifier(state, sessions),
    issuers: new IssuerVerifier(state),
  };
  const limitCache = new LimitCache(state, limits);
  const documents = new Documents({ state, forwarder, requestTimeoutMs: config.requestTimeoutMs });
  const grants = new Grants(state);
  const linked = new LinkedFiles(state, new Channel(ScriptFiles, system));
  const opened = openLines(config.scripts, config.clusterToken, log);
  const scripts = new ScriptRunner({ lines: opened.lines, grants, sessions: new ScriptSessions(state), log });
  const keptAnswers = new KeptScriptAnswers(state);
  const pipeline = new Pipeline({
    state,
    authenticators,
    remembered: new RememberedCalls(authenticators, forwarder, limits, config.requestTimeoutMs),
    limits,
    cors: new Cors(state),
    systemCalls: new SystemCalls({
      sessions: new SessionCalls(sessions),
      accounts: new AccountCalls(accounts),
      emails: new EmailCalls(emails, state),
      packages: new PackageCalls(packages),
      environments,
      limitCache,
      events: new EventMap(documents),
      caches: new ServiceCaches({
        ...{ state, forwarder, documents, keptAnswers },
        requestTimeoutMs: config.requestTimeoutMs,
      }),
    }),
    limitCache,
    listeners: new Listeners(state),
    scripted: new ScriptedCalls({
      ...{ runner: scripts, queue: new JobQueue(jobs), kept: keptAnswers, timeoutMs: config.requestTimeoutMs, log },
      imports: new HeldImports(config.bodyBytesMax, config.bufferedBytesMax),
    }),
    trials: new ScriptTrials(scripts, forwarder, config.requestTimeoutMs),
    idempotency: new Idempotency(kept, config.requestTimeoutMs, log),
    publicFiles: new PublicFiles({
      ...{ state, limits, store, hot },
      requestTimeoutMs: config.requestTimeoutMs,
      exportTimeoutMs: config.exportTimeoutMs,
    }),
    files: new FileCalls({
      store,
      signedUrls: new SignedUrls(state),
      requestTimeoutMs: config.requestTimeoutMs,
      exportTimeoutMs: config.exportTimeoutMs,
      onWritten: (service) => linked.written(service),
    }),
    store,
    listings: new Listings(forwarder),
    documents,
    viewer: new Viewer(),
    forwarder,
    status: (host) => statusOf(state, watch.live, config.version, host),
    requestTimeoutMs: config.requestTimeoutMs,
    exportTimeoutMs: config.exportTimeoutMs,
    log,
  });

  let port = 0;
  const access = async (): Promise<Component> => {
    await watch.start();
    return {
      name: 'access',
      drain: async () => {},
      close: async () => {
        await watch.close();
        shared.close();
        sessions.close();
        environments.close();
        accounts.close();
        emails.close();
        kept.close();
        packages.close();
        jobs.close();
        await scripts.close();
        await opened.close();
        files.close();
        linked.close();
        forwarder.close();
      },
    };
  };
  const door = async (): Promise<Component> => {
    const listener = await listen(
      {
        door: config.door,
        host: config.host,
        port: config.port,
        shared: config.sharedPort,
        bodyBytesMax: config.bodyBytesMax,
        bufferedBytesMax: config.bufferedBytesMax,
        connectionsMax: config.connectionsMax,
        refuseChunked: config.refuseChunked,
        streams,
        onError: (error) => log.error({ err: error }, 'a request was handled badly'),
      },
      (request, reply) => pipeline.handle(request, reply),
    );
    port = listener.port;
    return listener;
  };
  let gateway: GatewayDoor | undefined;
  const grpcDoor = async (): Promise<Component> => {
    gateway = await listenGateway(config.gateway, config.clusterToken, {
      bodyBytesMax: config.bodyBytesMax,
      bufferedBytesMax: config.bufferedBytesMax,
      streams,
      onError: (error) => log.error({ err: error }, 'a call was handled badly'),
      handle: (request, reply, caller) => pipeline.handle(request, reply, caller),
      grants: (grant) => grants.principalOf(grant),
    });
    return gateway;
  };
  const toDo = carryOut({
    state,
    runner: scripts,
    handle: (http, reply, caller) => pipeline.handle(http, reply, caller),
    timeoutMs: config.requestTimeoutMs,
  });
  const worker = new JobWorker(jobs, toDo, log);
  const jobWorker = async (): Promise<Component> => {
    worker.start();
    return {
      name: 'jobs',
      drain: () => worker.drain(),
      close: async () => worker.close(),
    };
  };
  // Last in, first out: nobody is let in before there is something to decide by.
  const parts = await startAll([access, grpcDoor, jobWorker, door]);
  log.info({ port, grpcPort: gateway?.port }, 'router is ready');
  return { ...parts, name: 'router', port, grpcPort: gateway?.port };
}
