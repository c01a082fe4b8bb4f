/** A real NATS server of one's own, JetStream included: on a free loopback port, gone when its starter is. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from '#common/errors.ts';
import { findNats } from './available.ts';
import { freshFolder, type Guard, onFreePort, startGuarded } from './guarded.ts';

export interface RunningNats {
  /** With user and password. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Ends the server at once, as a lost machine would; what JetStream has written stays. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same port and with the same data. */
  restart(): Promise<void>;
  /** Ends the server at once and removes its data; safe to call twice. */
  stop(): Promise<void>;
}

export interface NatsOptions {
  /** Lines of its configuration by name, such as `max_payload: '64KB'`; everything else is its own default. */
  readonly settings?: Readonly<Record<string, string>>;
}

const NAME = 'nats';
const USER = 'millrace';
const PASSWORD = 'only-for-tests';
const HOST = '127.0.0.1';

/** @throws MillraceError unavailable when there is no NATS server here, or it does not start */
export async function startNats({ settings = {} }: NatsOptions = {}): Promise<RunningNats> {
  const program = findNats();
  if (!program) throw new MillraceError('unavailable', 'NATS is not installed.');
  return onFreePort((port) => startOnce(program, port, settings), 'address already in use');
}

async function startOnce(
  program: string,
  port: number,
  settings: Readonly<Record<string, string>>,
): Promise<RunningNats> {
  const folder = freshFolder(NAME, {});
  const file = join(folder, 'nats.conf');
  const all = {
    listen: `${HOST}:${port}`,
    jetstream: `{ store_dir: ${JSON.stringify(join(folder, 'store'))} }`,
    authorization: `{ user: ${USER}, password: ${PASSWORD} }`,
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\n`);
  writeFileSync(file, lines.join(''));
  const start = (): Promise<Guard> =>
    startGuarded({
      label: 'NATS',
      owner: {},
      folder,
      command: [program, '-c', file],
      readyText: 'Server is ready',
      endSignal: 'SIGKILL',
    });
  const guards = [await start()];
  return {
    url: `nats://${USER}:${PASSWORD}@${HOST}:${port}`,
    ...{ host: HOST, port, user: USER, password: PASSWORD },
    kill: async () => guards.at(-1)?.kill(),
    restart: async () => {
      guards.push(await start());
    },
    stop: async () => {
      for (const guard of guards) await guard.stop();
    },
  };
}
