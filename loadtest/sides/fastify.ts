/** Side B: the endpoint that somebody would write by hand, in a process of its own. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { RunningPostgres } from '../../deploy/testing/postgres.ts';
import { answersOk, freePort, type RunScope, startServer, waitUntilReady } from '../process.ts';
import type { HttpTarget } from './side.ts';

const SERVER = fileURLToPath(new URL('../fastify-server.ts', import.meta.url));
const READY_TIMEOUT_MS = 30_000;

export async function startFastify(scope: RunScope, postgres: RunningPostgres): Promise<HttpTarget> {
  const apiKey = randomBytes(32).toString('hex');
  const port = await freePort();
  const server = startServer(scope, 'fastify', process.execPath, ['--import', 'tsx', SERVER], {
    NODE_ENV: 'production',
    BENCH_DATABASE_URL: postgres.url,
    BENCH_API_KEY: apiKey,
    BENCH_PORT: String(port),
  });
  const origin = `http://127.0.0.1:${port}`;
  const headers = { 'X-API-Key': apiKey };
  const isReady = () => answersOk(`${origin}/readings/1`, headers);
  await waitUntilReady([server], 'the Fastify endpoint', isReady, READY_TIMEOUT_MS, scope.signal);
  return { key: 'B', label: 'Fastify + pg', origin, headers, pathOf: (load) => load.fastifyPath, servers: [server] };
}
