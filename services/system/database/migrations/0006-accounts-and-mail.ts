/** What registration, invitations and resets need: codes that end, templates of e-mails; and values of users' own. */
import { type ColumnDefinitionBuilder, type CreateTableBuilder, type Kysely, type Migration, sql } from 'kysely';
import type { EngineName } from '../open.ts';

type Build = CreateTableBuilder<string, string>;

/** Subjects and sender are those that programs know; the texts hold no name, as anyone may have chosen it. */
const TEMPLATES = [
  {
    name: 'User Invite Default',
    description: 'Sent to a user whom an administrator invites.',
    subject: '[DF] New User Invitation',
    body_text:
      'You have been invited to {instance_name}.\n\n' +
      'Choose a password with this code:\n\n{confirm_code}\n\n{link}\n',
  },
  {
    name: 'User Registration Default',
    description: 'Sent to whoever registers, to find out whether the address is his own.',
    subject: '[DF] Registration Confirmation',
    body_text:
      'Somebody, probably you, has registered this address at {instance_name}.\n\n' +
      'Choose a password with this code:\n\n{confirm_code}\n\n{link}\n\n' +
      'If it was not you, there is nothing to do.\n',
  },
  {
    name: 'Password Reset Default',
    description: 'Sent to a user who has asked for a new password.',
    subject: '[DF] Password Reset',
    body_text:
      'Somebody, probably you, has asked for a new password at {instance_name}.\n\n' +
      'Choose it with this code:\n\n{confirm_code}\n\n{link}\n\n' +
      'If it was not you, there is nothing to do: the old password goes on.\n',
  },
];

export const accountsAndMail = (engine: EngineName): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const long = engine === 'mysql' ? sql`mediumtext` : ('text' as const);
    const required = (column: ColumnDefinitionBuilder) => column.notNull();
    const table = async (name: string, build: (table: Build) => Build): Promise<void> => {
      const created = build(db.schema.createTable(name));
      await (engine === 'mysql' ? created.modifyEnd(sql`collate utf8mb4_bin`) : created).execute();
    };
    const id = (build: Build): Build =>
      build.addColumn('id', 'integer', (column) =>
        (engine === 'postgres' ? column.generatedByDefaultAsIdentity() : column.autoIncrement()).primaryKey(),
      );
    const traced = (name: string, build: Build): Build =>
      build
        .addColumn('created_date', 'varchar(32)', required)
        .addColumn('last_modified_date', 'varchar(32)', required)
        .addColumn('created_by_id', 'integer')
        .addColumn('last_modified_by_id', 'integer')
        .addForeignKeyConstraint(`fk_${name}_created_by_id`, ['created_by_id'], 'user', ['id'], (key) =>
          key.onDelete('set null'),
        )
        .addForeignKeyConstraint(`fk_${name}_last_modified_by_id`, ['last_modified_by_id'], 'user', ['id'], (key) =>
          key.onDelete('set null'),
        );

    // One at a time: SQLite takes no more.
    await db.schema
      .alterTable('user')
      .addColumn('is_confirmed', 'integer', (column) => column.notNull().defaultTo(1))
      .execute();
    await db.schema.alterTable('user').addColumn('code_expires_at', 'bigint').execute();

    await table('email_template', (t) =>
      traced(
        'email_template',
        id(t)
          .addColumn('name', 'varchar(64)', (column) => column.notNull().unique())
          .addColumn('description', 'varchar(255)')
          .addColumn('to', long)
          .addColumn('cc', long)
          .addColumn('bcc', long)
          .addColumn('subject', 'varchar(80)')
          .addColumn('body_text', long)
          .addColumn('body_html', long)
          .addColumn('from_name', 'varchar(80)')
          .addColumn('from_email', 'varchar(255)')
          .addColumn('reply_to_name', 'varchar(80)')
          .addColumn('reply_to_email', 'varchar(255)')
          .addColumn('defaults', long),
      ),
    );
    await table('system_custom', (t) =>
      traced(
        'system_custom',
        id(t)
          .addColumn('name', 'varchar(255)', (column) => column.notNull().unique())
          .addColumn('value', long),
      ),
    );
    await table('user_custom', (t) =>
      traced(
        'user_custom',
        id(t)
          .addColumn('user_id', 'integer', required)
          .addColumn('name', 'varchar(255)', required)
          .addColumn('value', long)
          .addUniqueConstraint('user_custom_name', ['user_id', 'name'])
          .addForeignKeyConstraint('fk_user_custom_user_id', ['user_id'], 'user', ['id'], (key) =>
            key.onDelete('cascade'),
          ) as Build,
      ),
    );

    const now = new Date().toISOString().replace('Z', '000Z');
    const rows = TEMPLATES.map((template) => ({
      ...template,
      from_name: 'DO NOT REPLY',
      created_date: now,
      last_modified_date: now,
    }));
    await (db as Kysely<{ email_template: (typeof rows)[number] }>).insertInto('email_template').values(rows).execute();
  },
});
