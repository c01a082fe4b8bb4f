/** Who changed what. Entries outlive those whom they name. */
import { type Kysely, type Migration, sql } from 'kysely';
import type { EngineName } from '../open.ts';

export const audit = (engine: EngineName): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const created = db.schema.createTable('audit');
    const withId =
      engine === 'postgres'
        ? created.addColumn('id', 'integer', (column) => column.generatedByDefaultAsIdentity().primaryKey())
        : created.addColumn('id', 'integer', (column) => column.autoIncrement().primaryKey());
    const table = withId
      .addColumn('created_date', 'varchar(32)', (column) => column.notNull())
      .addColumn('user_id', 'integer')
      .addColumn('role_id', 'integer')
      .addColumn('app_id', 'integer')
      .addColumn('action', 'varchar(16)', (column) => column.notNull())
      .addColumn('resource', 'varchar(64)', (column) => column.notNull())
      .addColumn('record_id', 'varchar(255)', (column) => column.notNull())
      .addColumn('fields', 'text', (column) => column.notNull())
      .addColumn('request_id', 'varchar(64)');
    await (engine === 'mysql' ? table.modifyEnd(sql`collate utf8mb4_bin`) : table).execute();
    await db.schema.createIndex('audit_created_date').on('audit').column('created_date').execute();
  },
});
