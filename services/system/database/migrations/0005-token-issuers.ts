/** Other issuers of tokens. */
import { type Kysely, type Migration, sql } from 'kysely';
import type { EngineName } from '../open.ts';

export const tokenIssuers = (engine: EngineName): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const created = db.schema.createTable('token_issuer');
    const withId =
      engine === 'postgres'
        ? created.addColumn('id', 'integer', (column) => column.generatedByDefaultAsIdentity().primaryKey())
        : created.addColumn('id', 'integer', (column) => column.autoIncrement().primaryKey());
    const table = withId
      .addColumn('name', 'varchar(64)', (column) => column.notNull().unique())
      .addColumn('description', 'varchar(255)')
      .addColumn('is_active', 'integer', (column) => column.notNull().defaultTo(1))
      .addColumn('issuer', 'varchar(255)', (column) => column.notNull())
      .addColumn('audience', 'varchar(255)', (column) => column.notNull())
      .addColumn('jwks_url', 'varchar(255)', (column) => column.notNull())
      .addColumn('claims', 'text')
      .addColumn('role_id', 'integer', (column) => column.notNull())
      .addColumn('created_date', 'varchar(32)', (column) => column.notNull())
      .addColumn('last_modified_date', 'varchar(32)', (column) => column.notNull())
      .addColumn('created_by_id', 'integer')
      .addColumn('last_modified_by_id', 'integer')
      .addForeignKeyConstraint('fk_token_issuer_role_id', ['role_id'], 'role', ['id'], (key) => key.onDelete('cascade'))
      .addForeignKeyConstraint('fk_token_issuer_created_by_id', ['created_by_id'], 'user', ['id'], (key) =>
        key.onDelete('set null'),
      )
      .addForeignKeyConstraint('fk_token_issuer_last_modified_by_id', ['last_modified_by_id'], 'user', ['id'], (key) =>
        key.onDelete('set null'),
      );
    await (engine === 'mysql' ? table.modifyEnd(sql`collate utf8mb4_bin`) : table).execute();
  },
});
