/** How often something may be done. */
import { type Kysely, type Migration, sql } from 'kysely';
import type { EngineName } from '../open.ts';

export const limits = (engine: EngineName): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const created = db.schema.createTable('limit');
    const withId =
      engine === 'postgres'
        ? created.addColumn('id', 'integer', (column) => column.generatedByDefaultAsIdentity().primaryKey())
        : created.addColumn('id', 'integer', (column) => column.autoIncrement().primaryKey());
    const table = withId
      .addColumn('type', 'varchar(64)', (column) => column.notNull())
      .addColumn('key_text', 'varchar(512)', (column) => column.notNull().unique())
      .addColumn('rate', 'integer', (column) => column.notNull())
      .addColumn('period', 'integer', (column) => column.notNull())
      .addColumn('user_id', 'integer')
      .addColumn('role_id', 'integer')
      .addColumn('service_id', 'integer')
      .addColumn('name', 'varchar(255)', (column) => column.notNull())
      .addColumn('description', 'varchar(255)')
      .addColumn('is_active', 'integer', (column) => column.notNull().defaultTo(1))
      .addColumn('endpoint', 'varchar(255)')
      .addColumn('verb', 'varchar(16)')
      .addColumn('created_date', 'varchar(32)', (column) => column.notNull())
      .addColumn('last_modified_date', 'varchar(32)', (column) => column.notNull())
      .addColumn('created_by_id', 'integer')
      .addColumn('last_modified_by_id', 'integer')
      // Nothing is limited by what is no more.
      .addForeignKeyConstraint('fk_limit_user_id', ['user_id'], 'user', ['id'], (key) => key.onDelete('cascade'))
      .addForeignKeyConstraint('fk_limit_role_id', ['role_id'], 'role', ['id'], (key) => key.onDelete('cascade'))
      .addForeignKeyConstraint('fk_limit_service_id', ['service_id'], 'service', ['id'], (key) =>
        key.onDelete('cascade'),
      )
      .addForeignKeyConstraint('fk_limit_created_by_id', ['created_by_id'], 'user', ['id'], (key) =>
        key.onDelete('set null'),
      )
      .addForeignKeyConstraint('fk_limit_last_modified_by_id', ['last_modified_by_id'], 'user', ['id'], (key) =>
        key.onDelete('set null'),
      );
    await (engine === 'mysql' ? table.modifyEnd(sql`collate utf8mb4_bin`) : table).execute();
  },
});
