import type { ContestCase } from '../contest.ts';
export const SNAPSHOT: ContestCase = {
  name: 'snapshot',
  needs: undefined,
  figures: [],
  prepare: async () => {
    throw new Error('x');
  },
};
