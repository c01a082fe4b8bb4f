import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { s3Url } from './available.ts';
import { startAzurite } from './azurite.ts';
import { startS3 } from './s3.ts';
import { suiteWith } from './suite.ts';

const SERVERS = [
  { name: 'S3', start: startS3 },
  { name: 'Azurite', start: startAzurite },
];

suiteWith('s3', 'stores of objects for tests', () => {
  test.skipIf(s3Url()).each(SERVERS)(
    '$name: several at once, each on its own port, gone after stop',
    async ({ start }) => {
      const servers = await Promise.all([start(), start()]);
      const ports = servers.map(({ endpoint }) => Number(new URL(endpoint).port));
      expect(new Set(ports).size).toBe(2);
      expect(await Promise.all(ports.map(accepts))).toEqual([true, true]);
      for (const server of servers) await server.stop();
      await servers[0]?.stop();
      expect(await Promise.all(ports.map(accepts))).toEqual([false, false]);
    },
  );
});

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
