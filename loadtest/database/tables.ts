/** A database of ten thousand tables: what it makes those wait for who ask it, and others, first. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import { connectPostgres, openPostgres } from '../databases.ts';
import { createTables, READ_TABLE } from '../dataset.ts';
import type { RunScope } from '../process.ts';
import { type MillraceTarget, serviceOf, startMillrace } from '../sides/millrace.ts';
import { HttpConnection } from './http-connection.ts';

const TABLES = 10_000;
/** Created in one transaction, which holds a lock on each. */
const TABLES_AT_ONCE = 200;
const REFERRING_EVERY = 10;
const DATABASE = 'many';
/** One of those with a foreign key. */
const KNOWN_TABLE = nameOf(7_770);
const KNOWN = `/api/v2/many/_table/${KNOWN_TABLE}/1`;
const ALL = '/api/v2/many/_schema';
const OTHER = `/api/v2/bench/_table/${READ_TABLE}/1`;
/** Those that open the other service's connection do not count. */
const OTHER_WARM_UP_REQUESTS = 50;
const OTHER_PAUSE_MS = 2;
const PATIENCE_MS = 180_000;
const RETRY_MS = 20;

const [FIRST, OTHERS, LISTED] = ['tables-first', 'tables-other', 'tables-all'] as const;
const TITLE = `${TABLES.toLocaleString('en-US')} tables, after a start`;

export const MANY_TABLES: ContestCase = {
  name: 'tables',
  needs: 'postgres',
  figures: [
    { name: FIRST, title: `${TITLE}: first request to a table`, unit: 's', targets: [{ measure: 'C', atMost: 1 }] },
    {
      name: OTHERS,
      title: `${TITLE}: longest of another service's requests meanwhile`,
      unit: 'ms',
      targets: [{ measure: 'C', atMost: 100 }],
    },
    { name: LISTED, title: `${TITLE}: until all are listed`, unit: 's', targets: [{ measure: 'C', atMost: 60 }] },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { server, admin, title } = await openPostgres(scope);
  await createTables(admin);
  await admin.query(`create database ${DATABASE}`);
  const many = { ...server, database: DATABASE };
  await createMany(scope, server.url.replace(/\/[^/]*$/, `/${DATABASE}`));
  await admin.query('checkpoint');
  const millrace = await startMillrace(scope, {
    dist: options.dist,
    profileFolder: options.profile ? scope.folder : undefined,
    services: [serviceOf('bench', 'pgsql', server), serviceOf('many', 'pgsql', many)],
    components: ['*'],
    firstPath: OTHER,
  });
  const measure = () => measureStart(scope, millrace);
  return { server: title, millrace, warmUps: 0, sides: [{ key: 'C', label: 'Millrace', measure }] };
}

function nameOf(table: number): string {
  return `t${String(table).padStart(5, '0')}`;
}

async function createMany(scope: RunScope, url: string): Promise<void> {
  const client = await connectPostgres(scope, url);
  for (let first = 1; first <= TABLES; first += TABLES_AT_ONCE) {
    scope.signal.throwIfAborted();
    const tables = Array.from({ length: TABLES_AT_ONCE }, (_, index) => createTable(first + index));
    await client.query(tables.join(';\n'));
  }
  await client.query(`insert into ${nameOf(7_769)} (id, name, code) values (1, 'one', 'a')`);
  await client.query(`insert into ${KNOWN_TABLE} (id, name, code, other_id) values (1, 'one', 'a', 1)`);
  // What the server would do by itself within a minute, in the middle of a measurement.
  await client.query('analyze');
}

function createTable(table: number): string {
  const other = table % REFERRING_EVERY === 0 ? `references ${nameOf(table - 1)}` : '';
  return `
    create table ${nameOf(table)} (
      id integer primary key, name varchar(100) not null, code char(4) not null, other_id integer ${other},
      amount numeric(12, 2), ratio double precision, is_active boolean not null default true, born_on date,
      created_at timestamptz not null default now(), note varchar(1000)
    )`;
}

async function measureStart(scope: RunScope, millrace: MillraceTarget): Promise<Sample> {
  await millrace.stop();
  await millrace.start();
  const begin = performance.now();
  const passed = () => (performance.now() - begin) / 1000;
  const other = new OtherService(scope, millrace);
  await other.warmUp();
  const connection = new HttpConnection(scope, millrace);
  const asked = performance.now();
  let first = 0;
  let all = 0;
  await other.during(async () => {
    await until(scope, async () => void (await connection.get(KNOWN)));
    first = (performance.now() - asked) / 1000;
    await until(scope, async () => expectAll(await connection.get(ALL)));
    all = passed();
  });
  return { [FIRST]: first, [OTHERS]: other.longestMs, [LISTED]: all };
}

/** A client of another service, which has nothing to do with the many tables. */
class OtherService {
  longestMs = 0;
  readonly #scope: RunScope;
  readonly #connection: HttpConnection;

  constructor(scope: RunScope, millrace: MillraceTarget) {
    this.#scope = scope;
    this.#connection = new HttpConnection(scope, millrace);
  }

  /** A connector that has just started may not have heard yet which services there are. */
  async warmUp(): Promise<void> {
    await until(this.#scope, async () => void (await this.#connection.get(OTHER)));
    for (let count = 0; count < OTHER_WARM_UP_REQUESTS; count++) await this.#connection.get(OTHER);
  }

  /** Sends one request after the other while the work is under way. */
  async during(work: () => Promise<void>): Promise<void> {
    let isDone = false;
    const ask = async () => {
      while (!isDone) {
        const start = performance.now();
        await this.#connection.get(OTHER);
        this.longestMs = Math.max(this.longestMs, performance.now() - start);
        await sleep(OTHER_PAUSE_MS);
      }
    };
    const working = work().finally(() => {
      isDone = true;
    });
    await Promise.all([working, ask()]);
  }
}

function expectAll(body: string): void {
  const { resource } = JSON.parse(body) as { resource: readonly object[] };
  if (resource.length !== TABLES) throw new Error(`${resource.length} tables are listed in place of ${TABLES}.`);
}

/** Asks again where that fails: what is measured is when there is a good answer. */
async function until(scope: RunScope, attempt: () => Promise<void>): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; ; ) {
    try {
      await attempt();
      return;
    } catch (failure) {
      if (scope.signal.aborted || performance.now() > deadline) throw failure;
      await sleep(RETRY_MS);
    }
  }
}
