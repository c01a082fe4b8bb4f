/** A Millrace whose script workers are reached over NATS, and the router's end of that line in this process. */
import { create } from '@bufbuild/protobuf';
import pino from 'pino';
import { Deadline } from '#common/deadline.ts';
import { Follower } from '#common/follow.ts';
import { natsSettings } from '#common/scripts/conformance/transport.ts';
import type { ScriptLine } from '#common/scripts/line.ts';
import { NatsLine } from '#common/scripts/nats-line.ts';
import { NatsLink } from '#common/scripts/nats-link.ts';
import { Scope, WatchRequestSchema } from '#proto/access/v1/access_pb.ts';
import { Phase, type Run, type RunReply, RunSchema, type Script } from '#proto/script/v1/script_pb.ts';
import { startNats } from '../../deploy/testing/nats.ts';
import { PushedScripts } from '../../scripting-svc/store.ts';
import type { ContestOptions } from '../contest.ts';
import { type RunScope, waitUntilReady } from '../process.ts';
import { type MillraceTarget, startMillrace } from '../sides/millrace.ts';
import { bindAll } from './bind.ts';
import type { LaneName } from './workers.ts';

const SILENT = pino({ level: 'silent' });
const READY_MS = 30_000;
const RUN_MS = 10_000;
/** As a router sends it; of one caller. */
const SESSION = Buffer.from('{"user":{"id":1,"name":"Ann","email":"ann@a.example"},"role":{"id":2},"app":{"id":3}}');
const CALLER = { userId: 1, roleId: 2, appId: 3 };

export interface OverNats {
  readonly natsUrl: string;
  readonly millrace: MillraceTarget;
  readonly lines: Readonly<Record<LaneName, ScriptLine>>;
  readonly scriptOf: (event: string) => Script;
  /** Waits until the workers of both lanes answer. */
  readonly untilServed: () => Promise<void>;
}

/** One worker for each lane. @param scripts  stored, and known to the workers when this resolves */
export async function startOverNats(
  scope: RunScope,
  options: ContestOptions,
  scripts: readonly { readonly event: string; readonly content: string }[],
): Promise<OverNats> {
  const nats = await startNats();
  scope.teardown.add(() => nats.stop());
  const millrace = await startMillrace(scope, {
    dist: options.dist,
    profileFolder: undefined,
    scripts: true,
    services: [],
    firstPath: '/status',
    env: {
      MILLRACE_NATS_URL: nats.url,
      MILLRACE_SCRIPT_QUICK_WORKERS: '1',
      MILLRACE_SCRIPT_PATIENT_WORKERS: '1',
    },
  });
  await bindAll(millrace.administer, scripts);
  const known = await follow(scope, millrace, scripts.length);
  const link = new NatsLink(natsSettings(nats.url), SILENT);
  const lines = { quick: new NatsLine(link, 'quick'), patient: new NatsLine(link, 'patient') };
  scope.teardown.add(async () => {
    for (const line of Object.values(lines)) line.close();
    await link.close();
  });
  await link.ready();
  const scriptOf = (event: string): Script => {
    const script = known.byName(event);
    if (!script) throw new Error(`The script of ${event} is not known.`);
    return script;
  };
  const first = scriptOf(scripts[0]?.event ?? '');
  const isServed = async (): Promise<boolean> => {
    const all = Object.values(lines).map((line) => line.send(runOf(first), Deadline.after(RUN_MS)));
    return Promise.all(all).then(
      (replies) => replies.every(({ outcome }) => outcome.case === 'done'),
      () => false,
    );
  };
  const untilServed = () => waitUntilReady(millrace.servers, 'the workers', isServed, READY_MS, scope.signal);
  await untilServed();
  return { natsUrl: nats.url, millrace, lines, scriptOf, untilServed };
}

/** Scripts as workers know them. */
async function follow(scope: RunScope, { system, servers }: MillraceTarget, count: number): Promise<PushedScripts> {
  const known = new PushedScripts();
  const watch = create(WatchRequestSchema, { scope: Scope.SCRIPTS, tier: 'scripting' });
  const follower = new Follower({ ...system, peer: 'system' }, watch, (update) => known.apply(update), SILENT);
  scope.teardown.add(async () => follower.close());
  await follower.start();
  const isKnown = async () => known.size >= count;
  await waitUntilReady(servers, 'the scripts', isKnown, READY_MS, scope.signal);
  return known;
}

/** What a router sends for a read of a record. */
export function runOf({ kind, id, hash, name }: Script): Run {
  return create(RunSchema, {
    script: { kind, id, hash },
    event: {
      name,
      phase: Phase.PRE_PROCESS,
      request: {
        ...{ method: 'GET', uri: '/api/v2/db/_table/contact/17', service: 'db', resource: '_table/contact/17' },
        headersJson: Buffer.from('{"accept":"application/json","host":"127.0.0.1"}'),
      },
      resourceJson: Buffer.from('"17"'),
    },
    ...{ sessionJson: SESSION, caller: CALLER, requestId: 'bench' },
  });
}

/** What a script has returned. @throws Error where it has done no such thing */
export function returnedOf({ outcome }: RunReply): unknown {
  if (outcome.case === 'done') return JSON.parse(Buffer.from(outcome.value.returnedJson).toString());
  throw new Error(`A run was answered with ${outcome.case === 'failure' ? outcome.value.message : outcome.case}.`);
}
