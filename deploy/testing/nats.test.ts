import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as dial } from 'node:net';
import { connect, type NatsConnection } from 'nats';
import { afterEach, expect, test, vi } from 'vitest';
import { type NatsOptions, type RunningNats, startNats } from './nats.ts';
import { suiteWith } from './suite.ts';

suiteWith('nats', 'a NATS server for tests', () => {
  const running: { stop(): Promise<void> }[] = [];
  const start = async (options?: NatsOptions): Promise<RunningNats> => {
    const server = await startNats(options);
    running.push(server);
    return server;
  };
  const open = async ({ host, port, user, password }: RunningNats): Promise<NatsConnection> => {
    const connection = await connect({ servers: `${host}:${port}`, user, pass: password, reconnect: false });
    running.push({ stop: () => connection.close() });
    return connection;
  };
  afterEach(async () => {
    for (const one of running.splice(0).reverse()) await one.stop();
  });

  test('two are independent, take settings and are gone after stop', async () => {
    const [one, two] = await Promise.all([start(), start({ settings: { max_payload: '4KB' } })]);
    expect((await open(one)).info?.max_payload).toBe(1024 * 1024);
    expect((await open(two)).info?.max_payload).toBe(4096);
    await one.stop();
    await one.stop();
    expect(await accepts(one.port)).toBe(false);
    expect(await accepts(two.port)).toBe(true);
  });

  test('a wrong password is refused', async () => {
    await expect(open({ ...(await start()), password: 'wrong' })).rejects.toThrow(/authorization/i);
  });

  test('a setting that the server does not know is a clear error', async () => {
    await expect(start({ settings: { quux: 'many' } })).rejects.toThrow(/quux/);
  });

  test('killed and started again it is where it was, with what JetStream had', async () => {
    const server = await start();
    const manager = await (await open(server)).jetstreamManager();
    await manager.streams.add({ name: 'jobs', subjects: ['jobs.>'] });
    await server.kill();
    expect(await accepts(server.port)).toBe(false);
    await server.restart();
    const again = await (await open(server)).jetstreamManager();
    expect((await again.streams.info('jobs')).config.subjects).toEqual(['jobs.>']);
  });

  test('it ends when its starter is killed', async () => {
    const script = `import { startNats } from ${JSON.stringify(new URL('./nats.ts', import.meta.url).href)};
      process.stdout.write((await startNats()).port + '\\n');
      setInterval(() => {}, 60_000);`;
    const starter = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [port] = (await once(starter.stdout.setEncoding('utf8'), 'data')) as [string];
    expect(await accepts(Number(port))).toBe(true);
    starter.kill('SIGKILL');
    await vi.waitFor(async () => expect(await accepts(Number(port))).toBe(false), 10_000);
  });
});

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
