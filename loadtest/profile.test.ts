import { expect, test } from 'vitest';
import { type CpuProfile, selfTimes } from './profile.ts';

const node = (id: number, functionName: string, url = 'file:///srv/app/dist/router.js', lineNumber = 9) => ({
  id,
  callFrame: { functionName, url, lineNumber },
});

const PROFILE: CpuProfile = {
  nodes: [
    node(1, '(idle)', '', -1),
    node(2, 'parse'),
    node(3, 'parse'),
    node(4, '', 'file:///x/node_modules/pg/lib/a.js'),
  ],
  samples: [1, 2, 3, 4, 2],
  timeDeltas: [500, 7000, 1000, 2000, 1000],
};

test('a sample counts until the next one; the same function by two ways is one entry; idle time does not count', () => {
  const entries = selfTimes(PROFILE).map(({ place, selfMs, share }) => ({ place, selfMs, share }));
  expect(entries).toEqual([
    { place: 'parse app/dist/router.js:10', selfMs: 3, share: 0.75 },
    { place: '(anonymous) pg/lib/a.js:10', selfMs: 1, share: 0.25 },
  ]);
});

test('a process that did nothing has no shares', () => {
  expect(selfTimes({ nodes: [node(1, '(idle)', '', -1)], samples: [1], timeDeltas: [100] })).toEqual([]);
});
