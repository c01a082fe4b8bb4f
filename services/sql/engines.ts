/** The engines by service type. A driver is loaded when a service first uses it. */
import type { SqlEngine } from './engine.ts';

export const ENGINES: Readonly<Record<string, () => Promise<{ engine: SqlEngine }>>> = {
  pgsql: () => import('./postgres/index.ts'),
  mysql: async () => ({ engine: (await import('./mysql/index.ts')).mysql }),
  mariadb: async () => ({ engine: (await import('./mysql/index.ts')).mariadb }),
  sqlite: () => import('./sqlite/index.ts'),
};
