/** Answers to writes that carry an Idempotency-Key. */
import { type Kysely, type Migration, sql } from 'kysely';
import type { EngineName } from '../open.ts';

export const keptAnswers = (engine: EngineName): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const long = engine === 'mysql' ? sql`longtext` : ('text' as const);
    const table = db.schema
      .createTable('kept_answer')
      .addColumn('key', 'varchar(64)', (column) => column.primaryKey())
      .addColumn('request', 'varchar(64)', (column) => column.notNull())
      .addColumn('lease_until', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('status', 'integer')
      .addColumn('headers', long)
      .addColumn('body', long);
    await (engine === 'mysql' ? table.modifyEnd(sql`collate utf8mb4_bin`) : table).execute();
    await db.schema.createIndex('kept_answer_expires').on('kept_answer').column('expires_at').execute();
  },
});
