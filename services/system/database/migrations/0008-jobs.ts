/** Jobs, and the tasks that become jobs at their times. */
import { type ColumnDefinitionBuilder, type CreateTableBuilder, type Kysely, type Migration, sql } from 'kysely';
import type { EngineName } from '../open.ts';

type Build = CreateTableBuilder<string, string>;

export const jobs = (engine: EngineName): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const long = engine === 'mysql' ? sql`mediumtext` : ('text' as const);
    const bytes = { mysql: sql`mediumblob`, postgres: sql`bytea`, sqlite: sql`blob` }[engine];
    const required = (column: ColumnDefinitionBuilder) => column.notNull();
    const make = async (build: Build): Promise<void> =>
      (engine === 'mysql' ? build.modifyEnd(sql`collate utf8mb4_bin`) : build).execute();
    const withId = (name: string): Build => {
      const created = db.schema.createTable(name);
      return engine === 'postgres'
        ? created.addColumn('id', 'integer', (column) => column.generatedByDefaultAsIdentity().primaryKey())
        : created.addColumn('id', 'integer', (column) => column.autoIncrement().primaryKey());
    };
    const refers = (build: Build, table: string, column: string, other: string, end: 'cascade' | 'set null'): Build =>
      build.addForeignKeyConstraint(`fk_${table}_${column}`, [column as never], other, ['id'], (key) =>
        key.onDelete(end),
      ) as Build;

    let scheduler = withId('scheduler')
      .addColumn('name', 'varchar(64)', (column) => column.notNull().unique())
      .addColumn('description', 'varchar(255)')
      .addColumn('is_active', 'integer', (column) => column.notNull().defaultTo(0))
      .addColumn('service_id', 'integer', required)
      .addColumn('component', 'varchar(2048)')
      .addColumn('verb_mask', 'integer', (column) => column.notNull().defaultTo(1))
      .addColumn('frequency', 'integer', (column) => column.notNull().defaultTo(5))
      .addColumn('cron', 'varchar(255)')
      .addColumn('time_zone', 'varchar(64)', required)
      .addColumn('payload', long)
      .addColumn('app_id', 'integer')
      .addColumn('user_id', 'integer')
      .addColumn('next_run_date', 'varchar(32)')
      .addColumn('skipped_date', 'varchar(32)')
      .addColumn('created_date', 'varchar(32)', required)
      .addColumn('last_modified_date', 'varchar(32)', required)
      .addColumn('created_by_id', 'integer')
      .addColumn('last_modified_by_id', 'integer') as Build;
    scheduler = refers(scheduler, 'scheduler', 'service_id', 'service', 'cascade');
    for (const column of ['created_by_id', 'last_modified_by_id']) {
      scheduler = refers(scheduler, 'scheduler', column, 'user', 'set null');
    }
    // A task goes with whomever it acts as: without a name it would act as somebody else.
    scheduler = refers(scheduler, 'scheduler', 'user_id', 'user', 'cascade');
    await make(refers(scheduler, 'scheduler', 'app_id', 'app', 'cascade'));
    await db.schema.createIndex('scheduler_next_run_date').on('scheduler').column('next_run_date').execute();

    const taskLog = db.schema
      .createTable('task_log')
      .addColumn('task_id', 'integer', (column) => column.notNull().primaryKey())
      .addColumn('status_code', 'integer', required)
      .addColumn('content', long)
      .addColumn('created_date', 'varchar(32)', required)
      .addColumn('last_modified_date', 'varchar(32)', required) as Build;
    await make(refers(taskLog, 'task_log', 'task_id', 'scheduler', 'cascade'));

    const job = withId('job')
      .addColumn('kind', 'varchar(16)', required)
      .addColumn('name', 'varchar(255)', required)
      .addColumn('state', 'varchar(16)', required)
      .addColumn('attempts', 'integer', required)
      .addColumn('attempts_max', 'integer', required)
      .addColumn('next_attempt_date', 'varchar(32)')
      .addColumn('holder', 'varchar(255)')
      .addColumn('ticket', 'varchar(255)')
      .addColumn('last_error', 'text')
      .addColumn('logs', long)
      .addColumn('status_code', 'integer')
      .addColumn('result', long)
      .addColumn('user_id', 'integer')
      .addColumn('app_id', 'integer')
      .addColumn('role_id', 'integer')
      .addColumn('task_id', 'integer')
      .addColumn('created_date', 'varchar(32)', required)
      .addColumn('started_date', 'varchar(32)')
      .addColumn('finished_date', 'varchar(32)')
      .addColumn('last_modified_date', 'varchar(32)')
      .addColumn('last_modified_by_id', 'integer') as Build;
    await make(refers(job, 'job', 'task_id', 'scheduler', 'set null'));
    const work = db.schema
      .createTable('job_work')
      .addColumn('job_id', 'integer', (column) => column.notNull().primaryKey())
      .addColumn('work', bytes, required) as Build;
    await make(refers(work, 'job_work', 'job_id', 'job', 'cascade'));
    await db.schema.createIndex('job_next_attempt_date').on('job').column('next_attempt_date').execute();
    await db.schema.createIndex('job_finished_date').on('job').columns(['state', 'finished_date']).execute();
    await db.schema.createIndex('job_task_id').on('job').column('task_id').execute();
  },
});
