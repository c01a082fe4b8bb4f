/** Records with those that belong to them, against the statement that makes the same answer, written by hand. */

import type { Contest, ContestCase, ContestOptions } from '../contest.ts';
import { connectPostgres, openPostgres } from '../databases.ts';
import { medianTimeMs } from '../latency.ts';
import type { RunScope } from '../process.ts';
import { serviceOf, startMillrace } from '../sides/millrace.ts';
import { HttpConnection } from './http-connection.ts';

const NAME = 'related';
const PARENTS = 10_000;
const CHILDREN = 10;
const PAGE = 100;
const PATH = `/api/v2/bench/_table/parent?limit=${PAGE}&related=child_by_parent_id`;

const TABLES = `
  create table parent (
    id serial primary key, name text not null, city text not null, balance double precision not null,
    created_at timestamptz not null
  );
  create table child (
    id serial primary key, parent_id integer not null references parent, name text not null, amount integer not null,
    at timestamptz not null
  );
  create index on child (parent_id);
  insert into parent (name, city, balance, created_at)
    select 'parent-' || n, 'city-' || n % 100, n / 8.0, timestamptz '2024-01-01 00:00:00Z' + n * interval '1 minute'
      from generate_series(1, ${PARENTS}) as n;
  insert into child (parent_id, name, amount, at)
    select 1 + n % ${PARENTS}, 'child-' || n, n % 1000, timestamptz '2024-01-01 00:00:00Z' + n * interval '1 second'
      from generate_series(0, ${PARENTS * CHILDREN - 1}) as n;`;

/** As text, as it would be sent on: parsing it would only take longer. */
const AGGREGATION = `
  select json_build_object('resource', coalesce(json_agg(page), '[]'))::text as body
    from (select parent.*,
                 (select coalesce(json_agg(child), '[]') from child where parent_id = parent.id) as child_by_parent_id
            from parent order by id limit ${PAGE}) as page`;

export const RELATED: ContestCase = {
  name: NAME,
  needs: 'postgres',
  figures: [
    {
      name: NAME,
      title: `GET ${PAGE} parents × ${CHILDREN} children at 1 connection, p50 (A: JSON aggregation by pg)`,
      unit: 'ms',
      targets: [{ measure: 'C/A', atMost: 1.5 }],
    },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { server, admin, title } = await openPostgres(scope);
  await admin.query(TABLES);
  await admin.query('vacuum analyze');
  const millrace = await startMillrace(scope, {
    dist: options.dist,
    profileFolder: options.profile ? scope.folder : undefined,
    services: [serviceOf('bench', 'pgsql', server)],
    firstPath: PATH,
  });
  const connection = new HttpConnection(scope, millrace);
  const client = await connectPostgres(scope, server.url);
  const get = () => connection.get(PATH);
  const aggregate = async () => {
    const { rows } = await client.query<{ body: string }>({ name: NAME, text: AGGREGATION });
    return rows[0]?.body ?? '';
  };
  const [theirs, ours] = [outlineOf(await aggregate()), outlineOf(await get())];
  if (theirs !== ours) throw new Error(`The answers differ: ${theirs}\n${ours}`);
  const time = async (seconds: number, request: () => Promise<string>) => ({
    [NAME]: await medianTimeMs(scope, seconds, async () => {
      await request();
    }),
  });
  return {
    server: title,
    millrace,
    warmUps: 1,
    sides: [
      { key: 'A', label: 'pg', measure: (seconds) => time(seconds, aggregate) },
      { key: 'C', label: 'Millrace', measure: (seconds) => time(seconds, get) },
    ],
  };
}

interface Parent {
  readonly child_by_parent_id: readonly object[];
}

/** Fields and numbers of records, which both answers have to agree in: the text of times may differ. */
export function outlineOf(body: string): string {
  const { resource } = JSON.parse(body) as { resource: readonly Parent[] };
  const parents = resource.map((parent) => [
    Object.keys(parent).sort(),
    parent.child_by_parent_id.map((child) => Object.keys(child).sort()),
  ]);
  return JSON.stringify(parents);
}
