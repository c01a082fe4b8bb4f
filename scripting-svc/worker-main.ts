import { createLogger } from '#common/observe/log.ts';
import { runTier } from '#common/program.ts';
import { type PreparedWorker, prepareWorker } from './worker.ts';
import { readWorkerConfig } from './worker-config.ts';
import { type SupervisorMessage, type WorkerPlace, workerTitle } from './worker-place.ts';

// From here on until the tier listens for it itself, and before: its parent may go at any time.
const leave = (): never => process.exit(0);
process.once('disconnect', leave);
if (process.connected === false) leave();

async function start() {
  const config = readWorkerConfig(process.env);
  const worker = await prepareWorker(config, createLogger('script-worker', config.logLevel));
  const place = config.place ?? (await placeGiven(worker));
  process.title = workerTitle(place.lane);
  const seated = await worker.seat(place);
  process.off('disconnect', leave);
  return seated;
}

await runTier(start, { holdsIsolates: true });
process.send?.({ ready: true });

async function placeGiven(worker: PreparedWorker): Promise<WorkerPlace> {
  process.title = workerTitle('spare');
  let place: WorkerPlace | undefined;
  const given = new Promise<WorkerPlace>((resolve) => {
    process.once('message', ({ take }: SupervisorMessage) => {
      place = take;
      resolve(take);
    });
  });
  await worker.warmUp(() => place !== undefined);
  if (!place) await worker.standBy();
  process.send?.({ standing: true });
  return given;
}
