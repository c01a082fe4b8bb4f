/** A worker in a process of its own: `worker.ts nats <url>` or `worker.ts stream <address>`. Runs tell it what to do. */
import type { ScriptHandler } from '../line.ts';
import { doneReply } from './runs.ts';
import { natsWorker, streamWorker } from './transport.ts';

let blocks = 0;

const handler: ScriptHandler = (run) => {
  const [word, number = '0'] = run.requestId.split(' ');
  switch (word) {
    case 'exit':
      return process.exit(1);
    case 'hold':
      return new Promise(() => {});
    case 'block':
      // The whole process stands still, as with a script that the quick lane cannot interrupt.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(number));
      blocks += 1;
      return doneReply(`blocked ${process.pid}`);
    case 'blocks':
      return doneReply(`${blocks}`);
    case 'pid':
      return doneReply(`${process.pid}`);
    case 'rss':
      return doneReply(`${process.memoryUsage.rss()}`);
    default:
      return doneReply(run.requestId);
  }
};

const [transport, where = ''] = process.argv.slice(2);
await (transport === 'nats' ? natsWorker(where, handler) : streamWorker(where, handler));
process.send?.('ready');
process.once('disconnect', () => process.exit(0));
