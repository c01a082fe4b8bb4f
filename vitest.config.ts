import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{services,router,scripting-svc,storage-svc,deploy,loadtest,proto}/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: more files at once only make each of them slower.
    maxWorkers: 2,
    // isolated-vm: V8 makes no isolates beside the snapshot that Node starts from.
    execArgv: ['--no-node-snapshot'],
  },
});
