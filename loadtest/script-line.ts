/**
 * How many runs a second travel to a worker in a process of its own and back, with a handler that does nothing: over
 * streams and over NATS, in turns. `npx tsx loadtest/script-line.ts [seconds] [outstanding] [bytes] [transport]`
 */
import { Deadline } from '#common/deadline.ts';
import { runOf } from '#common/scripts/conformance/runs.ts';
import { natsTransport, streamTransport, type Transport } from '#common/scripts/conformance/transport.ts';
import type { ScriptLine } from '#common/scripts/line.ts';
import { startNats } from '../deploy/testing/nats.ts';

const [seconds = 5, outstanding = 64, bytes = 500] = process.argv.slice(2, 5).map(Number);
const only = process.argv[5];
const ROUNDS = 3;
const TIMEOUT_MS = 30_000;

interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function load(line: ScriptLine, forMs: number): Promise<Measured> {
  const content = Buffer.alloc(bytes, 'x');
  const took: number[] = [];
  const startedAt = performance.now();
  const asker = async (): Promise<void> => {
    for (let sentAt = startedAt; sentAt - startedAt < forMs; ) {
      await line.send(runOf('db._table.contact.get.pre_process', content), Deadline.after(TIMEOUT_MS));
      const now = performance.now();
      took.push(now - sentAt);
      sentAt = now;
    }
  };
  await Promise.all(Array.from({ length: outstanding }, asker));
  const elapsedMs = performance.now() - startedAt;
  took.sort((a, b) => a - b);
  const at = (share: number): number => took[Math.floor(took.length * share)] ?? 0;
  return { perSecond: (took.length / elapsedMs) * 1000, p50Ms: at(0.5), p99Ms: at(0.99) };
}

async function measure(name: string, transport: Transport): Promise<void> {
  try {
    await transport.process();
    const line = await transport.line();
    await load(line, 1000); // warm
    for (let round = 0; round < ROUNDS; round++) {
      const { perSecond, p50Ms, p99Ms } = await load(line, (seconds * 1000) / ROUNDS);
      const times = `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
      process.stdout.write(`${name.padEnd(7)} ${Math.round(perSecond).toString().padStart(7)} runs/s   ${times}\n`);
    }
  } finally {
    await transport.close();
  }
}

if (only !== 'nats') await measure('streams', streamTransport());
if (only !== 'streams') {
  const server = await startNats();
  await measure('NATS', natsTransport(server.url)).finally(() => server.stop());
}
