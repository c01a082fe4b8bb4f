/** The filter that decides here what a store does not: documents a second, in one process. */

import { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Condition } from '../../services/nosql/engine.ts';
import { predicateOf } from '../../services/nosql/residual/evaluate.ts';
import type { Contest, ContestCase, Sample } from '../contest.ts';
import { newReading } from '../dataset.ts';

const DOCUMENTS = 20_000;

export const FILTER: ContestCase = {
  name: 'filter',
  needs: undefined,
  figures: [
    {
      name: 'filter',
      title: 'residual filter: four comparisons, one of them LIKE',
      unit: 'documents/s',
      targets: [{ measure: 'C', atLeast: 200_000 }],
    },
  ],
  prepare,
};

const compare = (field: string, comparator: Comparator, ...operands: (string | number)[]): Condition => ({
  kind: 'compare',
  field,
  comparator,
  operands,
});

const CONDITION: Condition = {
  kind: 'all',
  of: [
    compare('temperature', Comparator.GT, -10),
    {
      kind: 'any',
      of: [compare('name', Comparator.LIKE, 'sensor-%5%'), compare('device_id', Comparator.BETWEEN, 100, 900)],
    },
    { kind: 'not', of: compare('place.floor', Comparator.EQ, 3) },
  ],
};

async function prepare(): Promise<Contest> {
  const documents = Array.from({ length: DOCUMENTS }, (_, n) => ({ ...newReading(), place: { floor: n % 5 } }));
  const meets = predicateOf(CONDITION, true);
  const measure = async (seconds: number): Promise<Sample> => {
    let [looked, met] = [0, 0];
    const begin = performance.now();
    while (performance.now() - begin < seconds * 1000) {
      for (const document of documents) if (meets(document)) met++;
      looked += DOCUMENTS;
    }
    if (met === 0 || met === looked) throw new Error('The condition decides nothing.');
    return { filter: looked / ((performance.now() - begin) / 1000) };
  };
  return { server: undefined, millrace: undefined, warmUps: 1, sides: [{ key: 'C', label: 'evaluator', measure }] };
}
