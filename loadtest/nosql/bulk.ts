/** Very many documents in one call, beside the driver that gets them in batches. */
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import { peakOverBase } from '../database/memory.ts';
import { newReading } from '../dataset.ts';
import type { RunScope } from '../process.ts';
import { DOCUMENTS, startHouse, WRITTEN } from './house.ts';

const BATCH = 1_000;
const CALL_TIMEOUT_MS = 300_000;

export const BULK: ContestCase = {
  name: 'bulk',
  needs: 'mongodb',
  figures: [
    {
      name: 'bulk',
      title: 'load of 100,000 documents in one call (A: insertMany of the driver, 1,000 at a time)',
      unit: 'documents/s',
      targets: [{ measure: 'C/A', atLeast: 0.6 }],
    },
    { name: 'bulk-memory', title: 'memory that it adds to router and connector', unit: 'MB', targets: [] },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { server, db, millrace } = await startHouse(scope, options, false);
  const documents = Array.from({ length: DOCUMENTS }, newReading);
  const body = documents.map((one) => `${JSON.stringify(one)}\n`).join('');
  const collection = db.collection(WRITTEN);
  const theirs = async (): Promise<Sample> => {
    await collection.deleteMany({});
    const rows = documents.map((one) => ({ ...one }));
    const begin = performance.now();
    for (let from = 0; from < DOCUMENTS; from += BATCH) await collection.insertMany(rows.slice(from, from + BATCH));
    return { bulk: DOCUMENTS / ((performance.now() - begin) / 1000) };
  };
  const ours = async (): Promise<Sample> => {
    await collection.deleteMany({});
    let seconds = 0;
    const added = await peakOverBase(millrace.pids(['router', 'nosql']), async () => {
      const begin = performance.now();
      const answer = await fetch(`${millrace.origin}/api/v2/bench/_table/${WRITTEN}`, {
        method: 'POST',
        headers: { ...millrace.headers, 'Content-Type': 'application/x-ndjson' },
        signal: AbortSignal.any([scope.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
        body,
      });
      const text = await answer.text();
      seconds = (performance.now() - begin) / 1000;
      if (text !== `{"count":${DOCUMENTS}}`)
        throw new Error(`The load was answered with ${answer.status}: ${text.slice(0, 300)}`);
    });
    return { bulk: DOCUMENTS / seconds, 'bulk-memory': added };
  };
  return {
    server: server.label,
    millrace,
    warmUps: 1,
    sides: [
      { key: 'A', label: 'driver', measure: theirs },
      { key: 'C', label: 'Millrace', measure: ours },
    ],
  };
}
