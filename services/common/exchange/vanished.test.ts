import { createServer, connect as dial, type Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Deadline } from '../deadline.ts';
import { connect, HoldingConnector, operationOf, serve } from '../testing/exchange.ts';

vi.mock('../bounds.ts', async (original) => ({
  ...(await original<typeof import('../bounds.ts')>()),
  KEEPALIVE_INTERVAL_MS: 300,
  KEEPALIVE_TIMEOUT_MS: 300,
}));

/** Between the two, until it lets every byte fall: as when a machine loses its power. */
async function wire(target: string): Promise<{ address: string; cut: () => void }> {
  const [host = '', port] = target.split(':');
  const sockets: Socket[] = [];
  let isCut = false;
  const server = createServer((near) => {
    const far = dial(Number(port), host);
    sockets.push(near, far);
    near.on('data', (bytes) => isCut || far.write(bytes)).on('error', () => {});
    far.on('data', (bytes) => isCut || near.write(bytes)).on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const cut = (): void => {
    isCut = true;
  };
  return { address: `127.0.0.1:${(server.address() as { port: number }).port}`, cut };
}

test('a machine that vanishes without a word is noticed on both sides', async () => {
  const connector = new HoldingConnector();
  const served = await serve(connector);
  const between = await wire(served.server.address);
  const client = connect({ ...served, server: { ...served.server, address: between.address } });
  const call = client.send(operationOf('lost'), Deadline.after(60_000));
  const there = await connector.call('lost');
  between.cut();
  await expect(call).rejects.toMatchObject({ code: 'unavailable', cause: expect.anything() });
  await expect.poll(() => there.deadline.reason?.code, { timeout: 5000 }).toBe('cancelled');
});
