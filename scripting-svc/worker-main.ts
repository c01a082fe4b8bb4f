import { createLogger } from '#common/observe/log.ts';
import { runTier } from '#common/program.ts';
import { prepareWorker } from './worker.ts';
import { readWorkerConfig } from './worker-config.ts';
import { type SupervisorMessage, type WorkerPlace, workerTitle } from './worker-place.ts';

await runTier(async () => {
  const config = readWorkerConfig(process.env);
  const worker = await prepareWorker(config, createLogger('script-worker', config.logLevel));
  const place = config.place ?? (await placeGiven());
  process.title = workerTitle(place.lane);
  return worker.seat(place);
});
process.send?.({ ready: true });
// Its parent has gone while nobody listened for that.
if (process.connected === false) process.exit(0);

function placeGiven(): Promise<WorkerPlace> {
  process.title = workerTitle('spare');
  const left = (): never => process.exit(0);
  process.once('disconnect', left);
  return new Promise((resolve) => {
    process.once('message', ({ take }: SupervisorMessage) => {
      process.off('disconnect', left);
      resolve(take);
    });
    process.send?.({ standing: true });
  });
}
