import { memory } from '../testing/memory.ts';
import { tryEngine } from './suite.ts';

tryEngine({
  engine: memory,
  config: async () => ({}),
  key: { name: 'id', of: (place) => place },
  generates: true,
  indexes: 'none',
});
