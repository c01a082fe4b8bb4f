/**
 * One hostile script in a process of its own: it runs beside a neighbour, and what became of both is written as JSON.
 *
 * usage: run.ts <name of the script> <quick|patient> <type> <settings as JSON> <how often>
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MIB } from '#common/bounds.ts';
import { DEFAULT_CAPS } from '../caps.ts';
import { Bench, EVENT, read } from '../testing/fakes.ts';

const [name = '', lane, type = '', settings = '{}', times = '1'] = process.argv.slice(2);
const content = readFileSync(fileURLToPath(new URL(`./${name}.script`, import.meta.url)), 'utf8');
const bench = new Bench({
  lane: lane === 'quick' ? 'quick' : 'patient',
  caps: { ...DEFAULT_CAPS, quickMillis: 100 },
});
const script = bench.store({ name, content, type, config: JSON.parse(settings) });
const neighbour = bench.store({ name: 'neighbour', content: 'return event.request.method' });
await bench.run(neighbour, EVENT, 8);

let ended = false;
let slowestMs = 0;
/** The neighbour goes on all the while. */
async function beNeighbour(): Promise<number> {
  let runs = 0;
  while (!ended) {
    const startedAt = performance.now();
    const reply = read(await bench.run(neighbour, EVENT, 8));
    if (!('returned' in reply) || reply.returned !== 'POST') throw new Error(`The neighbour: ${JSON.stringify(reply)}`);
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    runs++;
    await new Promise((go) => setTimeout(go, 5));
  }
  return runs;
}

const beside = lane === 'patient' ? beNeighbour() : undefined;
const beforeMb = process.memoryUsage.rss() / MIB;
const startedAt = performance.now();
let reply = read(await bench.run(script));
for (let run = 1; run < Number(times); run++) reply = read(await bench.run(script));
const ms = performance.now() - startedAt;
// An isolate that does not stop is noticed a moment later.
await new Promise((go) => setTimeout(go, Number(process.env['AFTERWARDS_MS'] ?? 0)));
ended = true;
const neighbourRuns = await beside;
const after = read(await bench.run(neighbour, EVENT, 8));
const isPolluted = 'polluted' in {} || JSON.stringify({}) !== '{}';
const report = { reply, ms, after, neighbourRuns, slowestMs, isPolluted, isHealthy: bench.sandbox.healthy };
const peakMb = process.resourceUsage().maxRSS / 1024;
process.stdout.write(`${JSON.stringify({ ...report, beforeMb, peakMb })}\n`, () => {
  // A thread that V8 has lost would be waited for.
  process.kill(process.pid, 'SIGKILL');
});
