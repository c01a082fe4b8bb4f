/**
 * How many runs a second travel to a worker in a process of its own and back, with a handler that does nothing: over
 * streams and over NATS, in turns. `npx tsx loadtest/script-line.ts [seconds] [outstanding] [bytes] [transport]`
 */
import { runOf } from '#common/scripts/conformance/runs.ts';
import { natsTransport, streamTransport, type Transport } from '#common/scripts/conformance/transport.ts';
import { startNats } from '../deploy/testing/nats.ts';
import { loadLine } from './scripts/load-line.ts';

const [seconds = 5, outstanding = 64, bytes = 500] = process.argv.slice(2, 5).map(Number);
const only = process.argv[5];
const ROUNDS = 3;

async function measure(name: string, transport: Transport): Promise<void> {
  const content = Buffer.alloc(bytes, 'x');
  const run = () => runOf('db._table.contact.get.pre_process', content);
  try {
    await transport.process();
    const line = await transport.line();
    await loadLine(line, run, outstanding, 1000); // warm
    for (let round = 0; round < ROUNDS; round++) {
      const { perSecond, p50Ms, p99Ms } = await loadLine(line, run, outstanding, (seconds * 1000) / ROUNDS);
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
