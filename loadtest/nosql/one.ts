/** One document at a time, read and written, beside an endpoint that somebody would write by hand. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { cpuSeconds } from '../access/cpu.ts';
import type { Contest, ContestCase, ContestOptions, ContestSide, Sample } from '../contest.ts';
import { newReading } from '../dataset.ts';
import { answersOk, freePort, type RunScope, requestSignal, startServer, waitUntilReady } from '../process.ts';
import { processTree } from '../start.ts';
import { runWrk } from '../wrk.ts';
import { DOCUMENTS, type House, READ, startHouse, WRITTEN } from './house.ts';

const SERVER = fileURLToPath(new URL('./fastify-server.ts', import.meta.url));
const READY_TIMEOUT_MS = 30_000;
const BODIES = 2_000;
const MICRO = 1e6;

export const GET = caseOf('get', 'GET by id of a document', 'GET', 1.5);
export const POST = caseOf('post', 'POST of one document', 'POST', 2);

function caseOf(name: string, title: string, method: 'GET' | 'POST', atLeast: number): ContestCase {
  return {
    name,
    needs: 'mongodb',
    figures: [
      { name, title, unit: 'requests/s', targets: [{ measure: 'C/A', atLeast }] },
      { name: `${name}-cpu`, title: 'CPU of such a request, without that of the store', unit: 'µs', targets: [] },
    ],
    prepare: (scope, options) => prepare(scope, options, name, method),
  };
}

async function prepare(
  scope: RunScope,
  options: ContestOptions,
  name: string,
  method: 'GET' | 'POST',
): Promise<Contest> {
  const house = await startHouse(scope, options, method === 'GET');
  const { millrace } = house;
  const byHand = await startByHand(scope, house);
  const bodiesFile = method === 'POST' ? await writeBodies(scope) : undefined;
  const table = method === 'GET' ? `${READ}/{}` : WRITTEN;
  const measure =
    (
      origin: string,
      path: string,
      headers: Readonly<Record<string, string>>,
      pids: () => number[],
    ): ContestSide['measure'] =>
    async (seconds): Promise<Sample> => {
      const sent = method === 'POST' ? { ...headers, 'Content-Type': 'application/json' } : headers;
      await check(scope, `${origin}${path.replace('{}', '7')}`, method, sent);
      const before = cpuSeconds(pids());
      const load = { origin, path, headers: sent, method, randomMax: DOCUMENTS, bodiesFile, seconds };
      const { requests, requestsPerSecond } = await runWrk(scope, { ...load, connections: options.connections });
      return { [name]: requestsPerSecond, [`${name}-cpu`]: ((cpuSeconds(pids()) - before) / requests) * MICRO };
    };
  return {
    server: house.server.label,
    millrace,
    warmUps: 1,
    sides: [
      {
        key: 'A',
        label: 'Fastify + mongodb',
        measure: measure(byHand.origin, method === 'GET' ? '/readings/{}' : '/readings', byHand.headers, () =>
          processTree(byHand.pid),
        ),
      },
      {
        key: 'C',
        label: 'Millrace',
        measure: measure(millrace.origin, `/api/v2/bench/_table/${table}`, millrace.headers, () => millrace.pids()),
      },
    ],
  };
}

async function startByHand(scope: RunScope, { server, database }: House) {
  const apiKey = randomBytes(32).toString('hex');
  const port = await freePort();
  const running = startServer(scope, 'fastify', process.execPath, ['--import', 'tsx', SERVER], {
    NODE_ENV: 'production',
    BENCH_DATABASE_URL: server.url,
    BENCH_DATABASE: database,
    BENCH_API_KEY: apiKey,
    BENCH_PORT: String(port),
  });
  const origin = `http://127.0.0.1:${port}`;
  const headers = { 'X-API-Key': apiKey };
  // Of an empty collection there is no document, and an answer all the same.
  const isReady = async () =>
    (await answersOk(`${origin}/readings/1`, headers)) ||
    (await fetch(`${origin}/readings/1`, { headers }).then(
      ({ status }) => status === 404,
      () => false,
    ));
  await waitUntilReady([running], 'the Fastify endpoint', isReady, READY_TIMEOUT_MS, scope.signal);
  return { origin, headers, pid: running.pid };
}

async function writeBodies(scope: RunScope): Promise<string> {
  const file = `${scope.folder}/bodies.jsonl`;
  const lines = Array.from({ length: BODIES }, () => JSON.stringify({ resource: [newReading()] }));
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

/** wrk sees only statuses. @throws Error unless a document, or its identifier, is answered */
async function check(
  scope: RunScope,
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const body = method === 'POST' ? { body: JSON.stringify({ resource: [newReading()] }) } : {};
  const answer = await fetch(url, { method, headers, signal: requestSignal(scope), ...body });
  const text = await answer.text();
  if (!answer.ok || !text.includes('"_id":'))
    throw new Error(`${url} was answered with ${answer.status}: ${text.slice(0, 300)}`);
}
