import { defineConfig } from 'vitest/config';

/** They say within what time workers are back: beside another file that wants both processors, that is no promise. */
const ALONE = ['deploy/e2e/script-outage.test.ts', 'deploy/e2e/script-replicas.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // isolated-vm: V8 makes no isolates beside the snapshot that Node starts from.
    execArgv: ['--no-node-snapshot'],
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['{services,router,scripting-svc,storage-svc,deploy,loadtest,proto}/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'dist/**', ...ALONE],
          // Two cores: more files at once only make each of them slower.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
