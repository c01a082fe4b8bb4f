/**
 * Who does what of the cases of the suite, for each engine: told by the plans of the tier itself, over tables that stand
 * in for those of the store. The suite holds the conditions against the plans of the real tables.
 */
import { create } from '@bufbuild/protobuf';
import type { Outcome } from '#common/testing/bench.ts';
import { apart, fields, is, not, read } from '#common/testing/words.ts';
import { FilterSchema, Order_Nulls as Nulls, Paging } from '#proto/data/v1/data_pb.ts';
import type { KeyField, NoSqlEngine, Pushdown, StoreTable } from '../engine.ts';
import { ENGINES } from '../engines.ts';
import { memory } from '../testing/memory.ts';
import { Bench } from './bench.ts';
import { columnFields, columnsOf } from './columns.ts';
import { FILTERS } from './filters.ts';

/** mixed: a part in the store, the rest here. none: it holds for all or for nothing, whatever is stored. */
export type Way = 'native' | 'mixed' | 'residual' | 'refused' | 'none';

const TABLE = 'people';
const text = (name: string): KeyField => ({ name, type: 'string', generated: false });
/** Keys of the tables of the suite, where they are not one that may hold anything. */
const KEYS: Readonly<Record<string, readonly KeyField[]>> = {
  aws_dynamodb: [text('id')],
  azure_table: [text('PartitionKey'), text('RowKey')],
  couchdb: [text('_id')],
  cassandra: [text('id')],
  cloudant: [text('_id')],
  mongodb: [{ name: '_id', type: 'any', generated: true }],
};
const OTHERS: readonly KeyField[] = [{ name: 'id', type: 'any', generated: true }];

const CASSANDRA_TYPES = { text: 'text', number: 'double', integer: 'int', boolean: 'boolean' };
/** What else stores with columns say of the table. */
const WITH_COLUMNS: Readonly<Record<string, Pick<StoreTable, 'fields' | 'native'>>> = {
  cassandra: {
    fields: [{ name: 'id', type: 'string', dbType: 'text', holds: 'string' }, ...columnFields(CASSANDRA_TYPES)],
    native: {
      columns: { id: 'text', ...columnsOf(CASSANDRA_TYPES) },
      ...{ partition_key: ['id'], clustering_key: [], clustering_order: {}, static: [] },
    },
  },
};

interface Plan {
  readonly pushed: unknown;
  readonly residual: unknown;
  readonly order: 'pushed' | 'residual' | null;
  readonly offset: 'pushed' | 'residual' | null;
  readonly count: 'pushed' | 'residual';
}

function planOf(outcome: Outcome): Plan | 'refused' {
  if ('json' in outcome) return outcome.json as Plan;
  if (outcome.code === 'invalid') return 'refused';
  throw new Error(`There is no plan: ${JSON.stringify(outcome)}`);
}

/** Who decides the condition that was explained. */
export function conditionWay(outcome: Outcome): Way {
  const plan = planOf(outcome);
  if (plan === 'refused') return plan;
  if (plan.residual === null) return plan.pushed === null ? 'none' : 'native';
  return plan.pushed === null ? 'residual' : 'mixed';
}

const partWay = (part: 'order' | 'offset' | 'count', outcome: Outcome): Way => {
  const plan = planOf(outcome);
  if (plan === 'refused') return plan;
  return plan[part] === 'pushed' ? 'native' : 'residual';
};

const declared = (isDone: unknown): Way => (isDone ? 'native' : 'residual');

/** What the tier does by itself for whoever cannot, or does not at all. */
const DECLARED: readonly (readonly [why: string, way: (pushdown: Pushdown) => Way])[] = [
  ['fields: others are not read from the store', ({ projection }) => declared(projection)],
  ['groups and their functions', ({ groups }) => declared(groups)],
  ['`rollback=true` is one transaction, where the server has them', ({ transactions }) => declared(transactions)],
  ['a write is done only where the row filter of the role holds', (does) => declared(does.conditionalWrites)],
  ['a filter in the words of the store', ({ nativeFilters }) => (nativeFilters ? 'native' : 'refused')],
];

/** By the names of the cases, in their order. */
export async function waysOf(engine: NoSqlEngine): Promise<Map<string, Way>> {
  const key = KEYS[engine.name] ?? OTHERS;
  const source = memory.open({}, { dataDir: '', serviceName: 'db', connectionsMax: 1 });
  await source.createTable(TABLE, key, undefined, undefined as never);
  const made = await source.tables(undefined as never);
  source.tables = async () => made.map((table) => ({ ...table, ...WITH_COLUMNS[engine.name] }));
  const bench = new Bench({ engine, config: {}, source });
  type Init = NonNullable<Parameters<typeof read>[1]>;
  const explain = (init: Init): Promise<Outcome> => bench.outcome(read(TABLE, { ...init, explain: true }));
  const ways = new Map<string, Way>();
  try {
    for (const [why, filter] of FILTERS) ways.set(why, conditionWay(await explain({ filter })));
    const keys = key.map(({ name: field }) => ({ field }));
    const orders: readonly (readonly [why: string, order: NonNullable<Init['order']>])[] = [
      ['order of the key', keys],
      ['order of the key, descending', keys.map((one) => ({ ...one, descending: true }))],
      ['order of another field', [{ field: 'age' }]],
      ['order of a member of a member', [{ field: 'home.city' }]],
      ['order with NULL where it is not by itself', [{ field: 'age', nulls: Nulls.LAST }]],
    ];
    for (const [why, order] of orders) ways.set(why, partWay('order', await explain({ order })));
    ways.set('offset', partWay('offset', await explain({ offset: 2 })));
    ways.set('count of all', partWay('count', await explain({})));
    ways.set('count of a filter', partWay('count', await explain({ filter: is('age', '=', 41) })));
    ways.set('count of a pattern', partWay('count', await explain({ filter: is('name', 'like', '%o%') })));
    // These are refused before anything is asked of the store, or go on.
    const page = { paging: Paging.FIRST, limit: 2, ...fields(key[0]?.name ?? '') };
    const paged = async (init: Init): Promise<Way> =>
      planOf(await bench.outcome(read(TABLE, { ...page, ...init }))) === 'refused' ? 'refused' : 'native';
    ways.set('pages by `after`', await paged({ filter: not(is('name', 'like', 'B%')) }));
    ways.set('pages by `after` in the order of another field', await paged({ order: [{ field: 'age' }] }));
    const { nativeFilters } = engine.pushdown;
    for (const [why, way] of DECLARED) ways.set(why, way(engine.pushdown));
    const { filter, parameters } = apart(create(FilterSchema, { node: { case: 'native', value: 0 } }));
    const words = { ...read(TABLE, { filter, explain: true }), parameters: [nativeText, ...parameters] };
    if ((planOf(await bench.outcome(words)) === 'refused') === nativeFilters) {
      throw new Error(`${engine.name} does not do with its own words what it declares.`);
    }
  } finally {
    await bench.close();
  }
  return ways;
}

const nativeText = { $typeName: 'millrace.data.v1.Value', kind: { case: 'text', value: '{"age":41}' } } as const;

const SIGNS: Readonly<Record<Way, string>> = {
  native: 'store',
  mixed: 'store, here',
  residual: 'here',
  refused: 'refused',
  none: '–',
};

const HEAD = `# Documents: who does what

Made by \`npm run matrix:nosql\` from the plans of the tier; do not edit. *store*: the database itself. *here*: this tier, from the documents that it reads (\`max_scanned\` bounds them). *store, here*: a part in the database, the rest here. –: there is nothing to decide. *refused*: 400. The cases are those of \`services/nosql/conformance\`, which every engine answers the same.
`;

/** The page as it should be. */
export async function matrixPage(): Promise<string> {
  const columns: { labels: string[]; ways: ReadonlyMap<string, Way> }[] = [];
  for (const load of Object.values(ENGINES)) {
    const { engine } = await load();
    const ways = await waysOf(engine);
    const same = columns.find((one) => [...ways].every(([why, way]) => one.ways.get(why) === way));
    if (same) same.labels.push(engine.label);
    else columns.push({ labels: [engine.label], ways });
  }
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const table = (title: string, whys: readonly string[]): string =>
    [
      row([title, ...columns.map(({ labels }) => labels.join(', '))]),
      row(['---', ...columns.map(() => '---')]),
      ...whys.map((why) => row([why, ...columns.map(({ ways }) => SIGNS[ways.get(why) as Way])])),
    ].join('\n');
  const conditions = FILTERS.map(([why]) => why);
  const others = [...(columns[0]?.ways.keys() ?? [])].filter((why) => !conditions.includes(why));
  return [
    HEAD,
    '## Conditions\n',
    table('condition', conditions),
    '\n## The rest\n',
    table('of a request', others),
    '',
  ].join('\n');
}
