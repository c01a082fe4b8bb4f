/** Readers that take a kilobyte a second: what others notice of them, and what they hold in memory. */
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contest, ContestCase, ContestOptions } from '../contest.ts';
import { peakOverBase } from '../database/memory.ts';
import type { RunScope } from '../process.ts';
import { runWrk } from '../wrk.ts';
import { API, BYTES_PER_MEGABYTE, contentOf, type OurSide, startOurs } from './setup.ts';
import { sizeOf } from './sizes.ts';

const BYTES_A_SECOND = 1024;
const LARGE_MB = 100;
/** Until each of them has its first bytes, and what they may hold is full. */
const SETTLE_MS = 3000;
const OTHERS = 4;

export const SLOW: ContestCase = {
  name: 'slow',
  needs: undefined,
  figures: [
    {
      name: 'slow-p99',
      title: 'p99 of other GETs beside 200 readers at 1 kB/s (A: without them)',
      unit: 'ms',
      targets: [{ measure: 'C/A', atMost: 1.5 }],
    },
    { name: 'slow-others', title: 'the others', unit: 'requests/s', targets: [] },
    {
      name: 'slow-memory',
      title: 'the slow readers, peak memory over base',
      unit: 'MB',
      targets: [{ measure: 'C', atMost: 250 }],
    },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const count = sizeOf(options.sizes, 'slow-readers');
  const millrace = await startOurs(scope, options);
  await mkdir(millrace.folder, { recursive: true });
  await writeFile(`${millrace.folder}/large.bin`, contentOf(LARGE_MB * BYTES_PER_MEGABYTE));
  await writeFile(`${millrace.folder}/small.txt`, contentOf(1000));
  const others = async (seconds: number) => {
    const { p99Ms, requestsPerSecond } = await runWrk(scope, {
      ...{ origin: millrace.origin, headers: millrace.headers, connections: OTHERS, seconds },
      ...{ method: 'GET', path: `${API}/small.txt`, randomMax: 1, bodiesFile: undefined },
    });
    return { 'slow-p99': p99Ms, 'slow-others': requestsPerSecond };
  };
  const beside = async (seconds: number) => {
    let sample: Record<string, number> = {};
    const memory = await peakOverBase(millrace.filePids(), async () => {
      const readers = new SlowReaders(millrace, `${API}/large.bin`, count);
      try {
        await sleep(SETTLE_MS, undefined, { signal: scope.signal });
        sample = await others(seconds);
        readers.check();
      } finally {
        readers.end();
      }
    });
    return { ...sample, 'slow-memory': memory };
  };
  return {
    server: undefined,
    millrace,
    warmUps: 1,
    sides: [
      { key: 'A', label: 'without slow readers', measure: others },
      { key: 'C', label: 'with slow readers', measure: beside },
    ],
  };
}

class SlowReaders {
  readonly #sockets: readonly Socket[];
  readonly #taken = new Map<Socket, number>();
  readonly #clock: NodeJS.Timeout;

  constructor({ origin, headers }: OurSide, path: string, count: number) {
    const { hostname, port, host } = new URL(origin);
    const lines = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#sockets = Array.from({ length: count }, () => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {}); // shows as one that takes nothing
      socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
      return socket;
    });
    this.#clock = setInterval(() => this.#take(), 1000);
  }

  /** Nobody listens for data, so that a socket reads no more than is taken from it. */
  #take(): void {
    for (const socket of this.#sockets) {
      const piece = socket.read(BYTES_A_SECOND) as Buffer | null;
      const before = this.#taken.get(socket) ?? 0;
      if (before === 0 && piece && !piece.toString('latin1').startsWith('HTTP/1.1 200')) socket.destroy();
      this.#taken.set(socket, before + (piece?.length ?? 0));
    }
  }

  /** @throws Error where one of them was not served */
  check(): void {
    const starved = this.#sockets.filter((socket) => socket.destroyed || !this.#taken.get(socket));
    if (starved.length > 0) throw new Error(`${starved.length} of ${this.#sockets.length} slow readers got nothing.`);
  }

  end(): void {
    clearInterval(this.#clock);
    for (const socket of this.#sockets) socket.destroy();
  }
}
