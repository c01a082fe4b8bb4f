/**
 * What a run costs without any transport: microseconds of a warm one in the quick lane, milliseconds of a cold one, and
 * the memory of 1,000 scripts.
 *
 * usage: node --no-node-snapshot --import tsx scripting-svc/sandbox/testing/measure.ts
 */
import { Deadline } from '#common/deadline.ts';
import { DEFAULT_CAPS } from '../caps.ts';
import { AFTERWARDS, Bench, EVENT, type EventInit, read } from './fakes.ts';

const ROUNDS = 5;
const RUNS = 20_000;
const SCRIPTS = 1000;
const deadline = Deadline.after(3_600_000);
const rssMb = () => Math.round(process.memoryUsage.rss() / 1_048_576);
const say = (line: string) => process.stdout.write(`${line}\n`);

async function measure(
  bench: Bench,
  why: string,
  content: string,
  event: EventInit = EVENT,
  callers = 1,
): Promise<void> {
  const { kind, id, hash } = bench.store({ name: why, content });
  const runs = Array.from({ length: callers }, (_, at) => bench.asRun({ kind, id, hash }, event, at + 1));
  const coldAt = performance.now();
  let reply = await bench.sandbox.run(runs[0]!, deadline);
  const coldMs = performance.now() - coldAt;
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    for (let run = 0; run < RUNS; run++) reply = await bench.sandbox.run(runs[run % callers]!, deadline);
    best = Math.min(best, ((performance.now() - startedAt) / RUNS) * 1000);
  }
  say(`${why}: cold ${coldMs.toFixed(1)} ms, warm ${best.toFixed(1)} µs, ${JSON.stringify(read(reply)).slice(0, 90)}`);
}

/** A busy machine is no reason to be sent away. */
const caps = { ...DEFAULT_CAPS, quickMillis: 1000 };

const quick = new Bench({ lane: 'quick', caps });
await measure(quick, 'first of all', 'return 1');
await measure(quick, 'nothing', '');
await measure(quick, 'return', 'return {ok: true}');
await measure(quick, 'stamp a payload', 'event.request.payload.resource[0].stamp = 1');
await measure(
  quick,
  'touch an answer',
  'event.response.content.resource.forEach(function (r) { r.touched = true })',
  AFTERWARDS,
);
await measure(quick, 'ten callers in turn', 'return {ok: true}', EVENT, 10);
await quick.sandbox.close();

for (const lane of ['quick', 'patient'] as const) {
  const bench = new Bench({ lane, caps });
  const before = rssMb();
  const startedAt = performance.now();
  for (let at = 0; at < SCRIPTS; at++) {
    const content = `event.request.payload.resource[0].stamp = ${at}; return {at: ${at}}`;
    await bench.run(bench.store({ name: `script ${at}`, content }));
  }
  const eachMs = (performance.now() - startedAt) / SCRIPTS;
  say(`${SCRIPTS} scripts, ${lane}: ${rssMb() - before} MB on top of ${before}, cold ${eachMs.toFixed(2)} ms each`);
  await bench.sandbox.close();
}
