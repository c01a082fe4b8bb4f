/** All tables of the first release. */
import { type ColumnDefinitionBuilder, type CreateTableBuilder, type Kysely, type Migration, sql } from 'kysely';
import type { EngineName } from '../open.ts';

type Build = CreateTableBuilder<string, string>;
type OnDelete = 'cascade' | 'set null';

export const initial = (engine: EngineName): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const long = engine === 'mysql' ? sql`mediumtext` : ('text' as const);
    const required = (column: ColumnDefinitionBuilder) => column.notNull();
    const flag = (value: number) => (column: ColumnDefinitionBuilder) => column.notNull().defaultTo(value);

    const table = async (name: string, build: (table: Build) => Build): Promise<void> => {
      const created = build(db.schema.createTable(name));
      // Names are told apart by every letter, in MySQL as in the others.
      await (engine === 'mysql' ? created.modifyEnd(sql`collate utf8mb4_bin`) : created).execute();
    };
    const id = (build: Build): Build =>
      engine === 'postgres'
        ? build.addColumn('id', 'integer', (column) => column.generatedByDefaultAsIdentity().primaryKey())
        : build.addColumn('id', 'integer', (column) => column.autoIncrement().primaryKey());
    /** Foreign keys stand apart from their columns: MySQL overlooks those written with a column. */
    const link = (table: string, build: Build, column: string, target: string, onDelete: OnDelete): Build =>
      build.addForeignKeyConstraint(`fk_${table}_${column}`, [column], target, ['id'], (key) => key.onDelete(onDelete));
    const traced = (table: string, build: Build): Build => {
      const columns = build
        .addColumn('created_date', 'varchar(32)', required)
        .addColumn('last_modified_date', 'varchar(32)', required)
        .addColumn('created_by_id', 'integer')
        .addColumn('last_modified_by_id', 'integer');
      return ['created_by_id', 'last_modified_by_id'].reduce(
        (done, column) => link(table, done, column, 'user', 'set null'),
        columns,
      );
    };

    await table('user', (t) =>
      traced(
        'user',
        id(t)
          .addColumn('name', 'varchar(255)', required)
          .addColumn('first_name', 'varchar(255)')
          .addColumn('last_name', 'varchar(255)')
          .addColumn('last_login_date', 'varchar(32)')
          .addColumn('email', 'varchar(255)', (column) => column.notNull().unique())
          .addColumn('is_active', 'integer', flag(1))
          .addColumn('phone', 'varchar(32)')
          .addColumn('security_question', 'varchar(255)')
          .addColumn('default_app_id', 'integer')
          .addColumn('oauth_provider', 'varchar(64)')
          .addColumn('username', 'varchar(255)', (column) => column.unique())
          .addColumn('is_sys_admin', 'integer', flag(0))
          .addColumn('password_hash', 'varchar(255)')
          .addColumn('security_answer_hash', 'varchar(255)')
          .addColumn('confirm_code', 'varchar(64)')
          .addColumn('tokens_valid_from', 'bigint', flag(0)),
      ),
    );
    await table('role', (t) =>
      traced(
        'role',
        id(t)
          .addColumn('name', 'varchar(64)', (column) => column.notNull().unique())
          .addColumn('description', 'varchar(255)')
          .addColumn('is_active', 'integer', flag(0)),
      ),
    );
    await table('service', (t) =>
      traced(
        'service',
        id(t)
          .addColumn('name', 'varchar(40)', (column) => column.notNull().unique())
          .addColumn('label', 'varchar(80)', required)
          .addColumn('description', 'varchar(255)')
          .addColumn('is_active', 'integer', flag(0))
          .addColumn('type', 'varchar(40)', required)
          .addColumn('mutable', 'integer', flag(1))
          .addColumn('deletable', 'integer', flag(1))
          .addColumn('config', long, required),
      ),
    );
    await table('service_doc', (t) => {
      const columns = id(t)
        .addColumn('service_id', 'integer', (column) => column.notNull().unique())
        .addColumn('format', 'integer', flag(0))
        .addColumn('content', long);
      return link('service_doc', traced('service_doc', columns), 'service_id', 'service', 'cascade');
    });
    await table('service_type', (t) =>
      t
        .addColumn('name', 'varchar(40)', (column) => column.primaryKey())
        .addColumn('label', 'varchar(255)', required)
        .addColumn('description', long, required)
        .addColumn('group', 'varchar(64)', required)
        .addColumn('singleton', 'integer', flag(0))
        .addColumn('tier', 'varchar(64)', required)
        .addColumn('config_schema', long),
    );
    await table('app', (t) => {
      const columns = id(t)
        .addColumn('name', 'varchar(64)', (column) => column.notNull().unique())
        .addColumn('api_key', 'varchar(255)', (column) => column.notNull().unique())
        .addColumn('description', 'varchar(255)')
        .addColumn('is_active', 'integer', flag(0))
        .addColumn('type', 'integer', flag(0))
        .addColumn('path', long)
        .addColumn('url', long)
        .addColumn('storage_service_id', 'integer')
        .addColumn('storage_container', 'varchar(255)')
        .addColumn('requires_fullscreen', 'integer', flag(0))
        .addColumn('allow_fullscreen_toggle', 'integer', flag(1))
        .addColumn('toggle_location', 'varchar(64)', (column) => column.notNull().defaultTo('top'))
        .addColumn('role_id', 'integer');
      const linked = link('app', traced('app', columns), 'role_id', 'role', 'set null');
      return link('app', linked, 'storage_service_id', 'service', 'set null');
    });
    await table('role_service_access', (t) => {
      const name = 'role_service_access';
      const columns = id(t)
        .addColumn('role_id', 'integer', required)
        .addColumn('service_id', 'integer')
        .addColumn('component', 'varchar(255)')
        .addColumn('verb_mask', 'integer', flag(0))
        .addColumn('requestor_mask', 'integer', flag(0))
        .addColumn('filters', long)
        .addColumn('filter_op', 'varchar(32)', (column) => column.notNull().defaultTo('AND'));
      const linked = link(name, traced(name, columns), 'role_id', 'role', 'cascade');
      return link(name, linked, 'service_id', 'service', 'cascade');
    });
    await table('user_to_app_to_role', (t) => {
      const name = 'user_to_app_to_role';
      const columns = id(t)
        .addColumn('user_id', 'integer', required)
        .addColumn('app_id', 'integer', required)
        .addColumn('role_id', 'integer', required)
        .addUniqueConstraint('user_app_unique', ['user_id', 'app_id']);
      const owners = ['user', 'app', 'role'];
      return owners.reduce(
        (done, owner) => link(name, done, `${owner}_id`, owner, 'cascade'),
        traced(name, columns as Build),
      );
    });
    await table('lookup', (t) => {
      const columns = id(t)
        .addColumn('user_id', 'integer')
        .addColumn('role_id', 'integer')
        .addColumn('app_id', 'integer')
        .addColumn('name', 'varchar(255)', required)
        .addColumn('value', long)
        .addColumn('private', 'integer', flag(0))
        .addColumn('description', 'varchar(255)');
      const owners = ['user', 'role', 'app'];
      return owners.reduce(
        (done, owner) => link('lookup', done, `${owner}_id`, owner, 'cascade'),
        traced('lookup', columns),
      );
    });
    await table('cors_config', (t) =>
      traced(
        'cors_config',
        id(t)
          .addColumn('path', 'varchar(255)', (column) => column.notNull().unique())
          .addColumn('origin', long, required)
          .addColumn('header', long)
          .addColumn('method', 'integer', flag(0))
          .addColumn('max_age', 'integer', flag(0))
          .addColumn('enabled', 'integer', flag(1))
          .addColumn('description', 'varchar(255)')
          .addColumn('exposed_header', long)
          .addColumn('supports_credentials', 'integer', flag(0)),
      ),
    );
    await table('schema_extra', (t) => {
      const columns = id(t)
        .addColumn('service_id', 'integer', required)
        .addColumn('table_name', 'varchar(255)', required)
        .addColumn('field_name', 'varchar(255)', required)
        .addColumn('relation_name', 'varchar(255)', required)
        .addColumn('properties', long, required);
      return link('schema_extra', columns, 'service_id', 'service', 'cascade');
    });
    await table('token_revocation', (t) =>
      t.addColumn('jti', 'varchar(64)', (column) => column.primaryKey()).addColumn('expires_at', 'bigint', required),
    );
    await table('setting', (t) =>
      t.addColumn('name', 'varchar(64)', (column) => column.primaryKey()).addColumn('value', long, required),
    );
    await table('change_counter', (t) =>
      t.addColumn('id', 'integer', (column) => column.primaryKey()).addColumn('version', 'bigint', required),
    );
    const counter = db as Kysely<{ change_counter: { id: number; version: number } }>;
    await counter.insertInto('change_counter').values({ id: 1, version: 0 }).execute();
  },
});
