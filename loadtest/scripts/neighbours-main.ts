/** The program of the neighbours: as little of its own as can be, so that what it sees is what it waits for. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from './clock.ts';
import type { NeighboursReport, NeighboursTask } from './neighbours.ts';

const HEAD_END = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const STATUS_AT = 'HTTP/1.1 '.length;
/** A call that nothing comes for has failed: a neighbour that only waits would not be seen to wait. */
const SILENCE_MS = 20_000;

/** One keep-alive connection; a broken one is made anew with the next call. */
class Connection {
  readonly #host: string;
  readonly #port: number;
  readonly #head: string;
  #socket: Socket | undefined;
  #answer = '';
  #settle: ((isGood: boolean) => void) | undefined;

  constructor({ host, port, headers }: NeighboursTask) {
    this.#host = host;
    this.#port = port;
    const lines = Object.entries({ Host: `${host}:${port}`, ...headers }).map(([name, value]) => `${name}: ${value}`);
    this.#head = ` HTTP/1.1\r\n${lines.join('\r\n')}${HEAD_END}`;
  }

  /** @returns whether the answer was a success */
  get(path: string): Promise<boolean> {
    this.#socket ??= this.#open();
    this.#socket.write(`GET ${path}${this.#head}`);
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  #open(): Socket {
    const socket = connect(this.#port, this.#host).setNoDelay().setEncoding('latin1');
    socket.on('data', (piece) => this.#take(String(piece)));
    socket.setTimeout(SILENCE_MS, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#socket = undefined;
      this.#answered(false);
    });
    return socket;
  }

  #take(piece: string): void {
    this.#answer += piece;
    const bodyAt = this.#answer.indexOf(HEAD_END) + HEAD_END.length;
    if (bodyAt < HEAD_END.length) return;
    const length = LENGTH.exec(this.#answer.slice(0, bodyAt))?.[1];
    // Where such an answer ends nobody knows, and it is none of those that are asked for.
    if (length === undefined) return void this.#socket?.destroy();
    if (this.#answer.length >= bodyAt + Number(length)) this.#answered(this.#answer[STATUS_AT] === '2');
  }

  #answered(isGood: boolean): void {
    this.#answer = '';
    this.#settle?.(isGood);
    this.#settle = undefined;
  }
}

/** A call that has to wait for the one before waits from the moment at which it was due. */
async function go(task: NeighboursTask, path: string, figures: number[]): Promise<void> {
  const connection = new Connection(task);
  for (let due = now(); ; due += 1000 / task.perSecond) {
    const early = due - now();
    if (early > 0) await sleep(early);
    const at = early > 0 ? now() : due;
    const id = 1 + Math.floor(Math.random() * task.rows);
    const isGood = await connection.get(path.replace('{}', String(id)));
    figures.push(at, now() - at, Number(isGood));
  }
}

const task: NeighboursTask = JSON.parse(process.argv[2] ?? '');
const all: number[][] = task.paths.map(() => []);
process.on('message', () => {
  const report: NeighboursReport = all.map((figures) => new Float64Array(figures.splice(0)));
  process.send?.(report);
});
process.once('disconnect', () => process.exit());
await Promise.all(task.paths.map((path, index) => go(task, path, all[index] ?? [])));
