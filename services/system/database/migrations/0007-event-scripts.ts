/** Scripts that are bound to events, and the languages that they may be written in. */
import { type ColumnDefinitionBuilder, type CreateTableBuilder, type Kysely, type Migration, sql } from 'kysely';
import type { EngineName } from '../open.ts';

type Build = CreateTableBuilder<string, string>;

const TYPES = [
  {
    name: 'nodejs',
    label: 'Node.js',
    description: 'JavaScript in an isolate of its own.',
    sandboxed: 1,
    supports_inline_execution: 1,
  },
  {
    name: 'v8js',
    label: 'V8js',
    description: 'JavaScript in an isolate of its own; calls of the API give their answer at once.',
    sandboxed: 1,
    supports_inline_execution: 1,
  },
];

export const eventScripts = (engine: EngineName): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const long = engine === 'mysql' ? sql`mediumtext` : ('text' as const);
    const required = (column: ColumnDefinitionBuilder) => column.notNull();
    const flag = (column: ColumnDefinitionBuilder) => column.notNull().defaultTo(0);
    const table = async (build: Build): Promise<void> =>
      (engine === 'mysql' ? build.modifyEnd(sql`collate utf8mb4_bin`) : build).execute();
    const created = db.schema.createTable('event_script');
    const withId =
      engine === 'postgres'
        ? created.addColumn('id', 'integer', (column) => column.generatedByDefaultAsIdentity().primaryKey())
        : created.addColumn('id', 'integer', (column) => column.autoIncrement().primaryKey());

    await table(
      db.schema
        .createTable('script_type')
        .addColumn('name', 'varchar(40)', (column) => column.notNull().primaryKey())
        .addColumn('label', 'varchar(80)', required)
        .addColumn('description', 'varchar(255)', required)
        .addColumn('sandboxed', 'integer', flag)
        .addColumn('supports_inline_execution', 'integer', flag),
    );
    await table(
      withId
        .addColumn('name', 'varchar(80)', (column) => column.notNull().unique())
        .addColumn('type', 'varchar(40)', required)
        .addColumn('content', long)
        .addColumn('config', long)
        .addColumn('storage_service_id', 'integer')
        .addColumn('scm_repository', 'varchar(255)')
        .addColumn('scm_reference', 'varchar(255)')
        .addColumn('storage_path', 'varchar(255)')
        .addColumn('is_active', 'integer', flag)
        .addColumn('allow_event_modification', 'integer', flag)
        .addColumn('created_date', 'varchar(32)', required)
        .addColumn('last_modified_date', 'varchar(32)', required)
        .addColumn('created_by_id', 'integer')
        .addColumn('last_modified_by_id', 'integer')
        .addForeignKeyConstraint(
          'fk_event_script_storage_service_id',
          ['storage_service_id'],
          'service',
          ['id'],
          (key) => key.onDelete('set null'),
        )
        .addForeignKeyConstraint('fk_event_script_created_by_id', ['created_by_id'], 'user', ['id'], (key) =>
          key.onDelete('set null'),
        )
        .addForeignKeyConstraint(
          'fk_event_script_last_modified_by_id',
          ['last_modified_by_id'],
          'user',
          ['id'],
          (key) => key.onDelete('set null'),
        ) as Build,
    );
    await (db as Kysely<{ script_type: (typeof TYPES)[number] }>).insertInto('script_type').values(TYPES).execute();
  },
});
