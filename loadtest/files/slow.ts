/** Readers who take a kilobyte a second of a large file, and what others notice of them. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import { pacedTimes } from '../paced.ts';
import { answersOk, type RunScope } from '../process.ts';
import { percentile } from '../statistics.ts';
import { writeRandom } from './download.ts';
import { MEGABYTE, memoryAdded, PUBLIC, SERVICE, startHouse } from './house.ts';
import { sizeOf } from './sizes.ts';

const LARGE = `${PUBLIC}/large.bin`;
const SMALL = `${PUBLIC}/small.txt`;
const BYTES_A_SECOND = 1000;
const CALLS_A_SECOND = 100;
/** All have begun, and what can be buffered is. */
const SETTLE_MS = 2_000;

export const SLOW: ContestCase = {
  name: 'slow',
  needs: undefined,
  figures: [
    {
      name: 'slow',
      title: 'p99 of other calls, beside 200 readers of 1 kB/s (A: without them)',
      unit: 'ms',
      targets: [],
    },
    { name: 'slow-memory', title: 'memory that the slow readers add to router and storage', unit: 'MB', targets: [] },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const count = sizeOf(options, 'slow-readers');
  const { millrace } = await startHouse(scope, options, async (root) => {
    await writeRandom(`${root}/${LARGE}`, 100 * MEGABYTE);
    await writeFile(`${root}/${SMALL}`, randomBytes(500).toString('hex'));
  });
  const port = Number(new URL(millrace.origin).port);
  const others = async (seconds: number): Promise<number> => {
    const times = await pacedTimes(scope, CALLS_A_SECOND, seconds, async () => {
      if (!(await answersOk(`${millrace.origin}/${SERVICE}/${SMALL}`)))
        throw new Error('A call was not answered well.');
    });
    return percentile(times, 0.99);
  };
  const beside = async (seconds: number): Promise<Sample> => {
    let p99 = 0;
    const readers: Reader[] = [];
    try {
      const added = await memoryAdded(millrace, async () => {
        for (let n = 0; n < count; n++) readers.push(new Reader(port, `/${SERVICE}/${LARGE}`));
        await sleep(SETTLE_MS, undefined, { signal: scope.signal });
        p99 = await others(seconds);
      });
      const lost = readers.filter(({ isLost }) => isLost).length;
      if (lost > 0) throw new Error(`${lost} slow readers were cut off.`);
      return { slow: p99, 'slow-memory': added };
    } finally {
      for (const reader of readers) reader.close();
    }
  };
  return {
    server: undefined,
    millrace,
    warmUps: 1,
    sides: [
      { key: 'A', label: 'without', measure: async (seconds) => ({ slow: await others(seconds) }) },
      { key: 'C', label: 'beside slow readers', measure: beside },
    ],
  };
}

/** Takes a little, and waits. */
class Reader {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;
  isLost = false;

  constructor(port: number, path: string) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
    this.#socket.pause();
    this.#timer = setInterval(() => this.#socket.read(BYTES_A_SECOND), 1000);
    this.#socket.on('close', () => {
      this.isLost = !this.#isClosed;
    });
    this.#socket.on('error', () => {});
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#socket.destroy();
  }
}
