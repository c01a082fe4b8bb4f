import type { ContestCase } from '../contest.ts';
export const HASHING: ContestCase = {
  name: 'hashing',
  needs: undefined,
  figures: [],
  prepare: async () => {
    throw new Error('x');
  },
};
