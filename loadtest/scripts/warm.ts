/** Many different scripts, all of them warm: what the workers hold, and that no more of them hold no more. */
import { Deadline } from '#common/deadline.ts';
import type { ScriptLine } from '#common/scripts/line.ts';
import type { Script } from '#proto/script/v1/script_pb.ts';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import type { RunScope } from '../process.ts';
import { residentBytes } from '../start.ts';
import { returnedOf, runOf, startOverNats } from './over-nats.ts';
import { type LaneName, workersOf } from './workers.ts';

const MANY = 1000;
const TOO_MANY = 1500;
/** Of those that were used longest ago: none of them is warm any more. */
const GONE = 100;
const RUN_MS = 10_000;
const BYTES_PER_MEGABYTE = 1e6;

/** An ordinary script of its own; returns how often its context has run it. */
const contentOf = (index: number): string => `
const LIMIT_${index} = ${index};
function check_${index}(reading) {
  if (typeof reading.value !== 'number' || reading.value < -50 || reading.value > 150 + LIMIT_${index}) {
    throw new Error(reading.device + ': the value is out of range ${index}.');
  }
  return { ...reading, received_by: platform.session.app.id, unit: 'C', rank: reading.value * ${index} };
}
globalThis.runs = (globalThis.runs || 0) + 1;
[{ device: 'a', value: 1 }, { device: 'b', value: 2 }].forEach(check_${index});
return globalThis.runs;`;

const eventOf = (index: number): string => `db._table.t${index}.get.pre_process`;
const many = MANY.toLocaleString('en-US');
const tooMany = TOO_MANY.toLocaleString('en-US');

export const WARM: ContestCase = {
  name: 'warm',
  needs: 'nats',
  figures: [
    {
      name: 'warm',
      title: `resident memory of both workers, ${many} scripts warm in each (A: one script)`,
      unit: 'MB',
      targets: [{ measure: 'C', atMost: 1500 }],
    },
    { name: 'warm-quick', title: 'of it the quick worker', unit: 'MB', targets: [] },
    { name: 'warm-patient', title: 'of it the patient worker', unit: 'MB', targets: [] },
    {
      name: 'warm-more',
      title: `the same after ${tooMany} scripts: those used last are warm, the first ones have left`,
      unit: 'MB',
      targets: [{ measure: 'C', atMost: 1500 }],
    },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const stored = Array.from({ length: TOO_MANY }, (_, index) => ({ event: eventOf(index), content: contentOf(index) }));
  const { millrace, lines, scriptOf, untilServed } = await startOverNats(scope, options, stored);
  const scripts = stored.map(({ event }) => scriptOf(event));
  const resident = (lane: LaneName): number => {
    const bytes = workersOf(millrace).map((each) => (each.lane === lane ? residentBytes(each.pid) : 0));
    return bytes.reduce((sum, each) => sum + each, 0) / BYTES_PER_MEGABYTE;
  };
  const held = () => ({ quick: resident('quick'), patient: resident('patient') });
  const through = async (chosen: readonly Script[]): Promise<void> => {
    for (const line of Object.values(lines)) await runAll(scope, line, chosen);
  };
  const measureOne = async (): Promise<Sample> => {
    await millrace.stop(['scripting']);
    await millrace.start(['scripting']);
    await untilServed();
    const { quick, patient } = held();
    return { warm: quick + patient, 'warm-quick': quick, 'warm-patient': patient };
  };
  /** The workers are those that were just started. */
  const measureMany = async (): Promise<Sample> => {
    const pids = () => String(workersOf(millrace).map(({ pid }) => pid));
    const before = pids();
    await through(scripts.slice(0, MANY));
    const { quick, patient } = held();
    await through(scripts.slice(MANY));
    const more = held();
    for (const line of Object.values(lines)) await checkLeft(scope, line, scripts);
    if (pids() !== before) throw new Error('A worker was replaced.');
    return {
      warm: quick + patient,
      'warm-quick': quick,
      'warm-patient': patient,
      'warm-more': more.quick + more.patient,
    };
  };
  return {
    server: 'NATS',
    millrace: undefined,
    warmUps: 0,
    sides: [
      { key: 'A', label: 'one script', measure: measureOne },
      { key: 'C', label: `${many} scripts`, measure: measureMany },
    ],
  };
}

/** One after the other. @returns how often the context of each had run before */
async function runAll(scope: RunScope, line: ScriptLine, scripts: readonly Script[]): Promise<number[]> {
  const runs: number[] = [];
  for (const script of scripts) {
    scope.signal.throwIfAborted();
    runs.push(Number(returnedOf(await line.send(runOf(script), Deadline.after(RUN_MS)))) - 1);
  }
  return runs;
}

/** @throws Error unless those that were used last are warm, and those that were used first are not */
async function checkLeft(scope: RunScope, line: ScriptLine, scripts: readonly Script[]): Promise<void> {
  const last = await runAll(scope, line, scripts.slice(-MANY));
  const warm = last.filter((before) => before > 0).length;
  if (warm !== MANY) throw new Error(`Of the ${MANY} scripts that were used last only ${warm} are warm.`);
  const first = await runAll(scope, line, scripts.slice(0, GONE));
  const kept = first.filter((before) => before > 0).length;
  if (kept > 0) throw new Error(`Of the ${GONE} scripts that were used longest ago ${kept} are still warm.`);
}
