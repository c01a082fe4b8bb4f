/** How many scripts a second one worker process runs: the router's line over a real NATS, no router in front of it. */

import { runOf as emptyRunOf } from '#common/scripts/conformance/runs.ts';
import { natsTransport } from '#common/scripts/conformance/transport.ts';
import { startNats } from '../../deploy/testing/nats.ts';
import { cpuSeconds } from '../access/cpu.ts';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import type { RunScope } from '../process.ts';
import { loadLine } from './load-line.ts';
import { returnedOf, runOf, startOverNats } from './over-nats.ts';
import { workersOf } from './workers.ts';

const EVENT = 'db._table.contact.{id}.get.pre_process';
const TRIVIAL = 'return event.request.method;';
const MICRO = 1e6;

export const LINE: ContestCase = {
  name: 'line',
  needs: 'nats',
  figures: [
    {
      name: 'line',
      title: 'one worker process, trivial script, over NATS (A: nothing is run)',
      unit: 'runs/s',
      targets: [{ measure: 'C', atLeast: 5000 }],
    },
    {
      name: 'line-p99',
      title: 'such a run, with as many on their way as there are connections, p99',
      unit: 'ms',
      targets: [],
    },
    { name: 'line-cpu', title: 'CPU of such a run, worker', unit: 'µs', targets: [] },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { millrace, lines, scriptOf } = await startOverNats(scope, options, [{ event: EVENT, content: TRIVIAL }]);
  const script = scriptOf(EVENT);
  const bare = await startBare(scope);
  const { connections } = options;
  const check = (reply: Parameters<typeof returnedOf>[0]): void => {
    if (returnedOf(reply) !== 'GET') throw new Error('A script has returned something else.');
  };
  const sampleOf = async (pid: number, load: () => ReturnType<typeof loadLine>): Promise<Sample> => {
    const before = cpuSeconds([pid]);
    const { runs, perSecond, p99Ms } = await load();
    return { line: perSecond, 'line-p99': p99Ms, 'line-cpu': ((cpuSeconds([pid]) - before) / runs) * MICRO };
  };
  const measureScripts = (seconds: number): Promise<Sample> => {
    const [worker, ...others] = workersOf(millrace).filter(({ lane }) => lane === 'quick');
    if (!worker || others.length > 0) throw new Error('There has to be one worker.');
    return sampleOf(worker.pid, () => loadLine(lines.quick, () => runOf(script), connections, seconds * 1000, check));
  };
  return {
    server: 'NATS',
    millrace: undefined,
    warmUps: 1,
    sides: [
      {
        key: 'A',
        label: 'nothing is run',
        measure: (seconds) =>
          sampleOf(bare.pid, () => loadLine(bare.line, () => emptyRunOf('nothing'), connections, seconds * 1000)),
      },
      { key: 'C', label: 'a trivial script', measure: measureScripts },
    ],
  };
}

/** A worker without a sandbox, at a NATS of its own: the queue group would share the runs out between them. */
async function startBare(scope: RunScope) {
  const server = await startNats();
  scope.teardown.add(() => server.stop());
  const transport = natsTransport(server.url);
  scope.teardown.add(() => transport.close());
  const { pid } = await transport.process();
  return { pid, line: await transport.line() };
}
