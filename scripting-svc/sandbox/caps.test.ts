import { expect, test } from 'vitest';
import { DEFAULT_CAPS, DEFAULT_LIMITS, limitsOf } from './caps.ts';

const CASES: [string, unknown, object][] = [
  ['nothing said', {}, {}],
  ['no object', [1], {}],
  ['limits that are none', { limits: 'many' }, {}],
  ['each by its name', { limits: { cpu_ms: 5, api_calls: 0, memory_mb: 32 } }, { cpuMs: 5, apiCalls: 0, memoryMb: 32 }],
  ['text that is a number', { limits: { cpu_ms: '5' } }, { cpuMs: 5 }],
  ['nonsense', { limits: { cpu_ms: -1, wall_ms: 'soon', timers: null, unknown: 4 } }, {}],
  ["beyond the administrator's bound", { limits: { cpu_ms: 1e9 } }, { cpuMs: DEFAULT_CAPS.maximum.cpuMs }],
  ['less memory than an isolate needs', { limits: { memory_mb: 1 } }, { memoryMb: 8 }],
];
test.each(CASES)('%s', (_, config, want) => {
  expect(limitsOf(config, DEFAULT_CAPS)).toEqual({ ...DEFAULT_LIMITS, ...want });
});
