import { tryStorage } from '../conformance/suite.ts';
import { MemorySource, memoryBackend } from './memory.ts';

const none = 'to try what does without';
tryStorage({
  backend: memoryBackend(),
  open: async () => new MemorySource(),
  lacks: { copy: none, move: none, listTree: none, describe: none },
});
