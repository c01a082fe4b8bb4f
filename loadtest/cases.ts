/** What is measured: each case with the same work for every side, and what it has to reach. */
import {
  DEVICES,
  FIELDS,
  INSERT_TABLE,
  newReading,
  READ_TABLE,
  ROWS,
  randomTemperature,
  selectNewReadings,
  UPDATE_TABLE,
} from './dataset.ts';

/** A figure of merit: C is ours, A the database's own tool (or driver), B the hand-written endpoint. */
export type Measure = 'C' | 'C/A' | 'C/B' | 'C-A';

export interface Target {
  readonly measure: Measure;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export type Unit =
  | 'requests/s'
  | 'MB/s'
  | 'requests/CPU-s'
  | 'rows/s'
  | 'documents/s'
  | 'runs/s'
  | 'µs'
  | 'ms'
  | 'MB'
  | 's'
  | '%'
  | 'kinds';

/** What one line of a report is about. */
export interface Figure {
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
  readonly targets: readonly Target[];
}

export interface LoadCase extends Figure {
  readonly kind: 'load';
  /** Rows that one request writes or reads, where the unit is rows/s; else 1. */
  readonly unitsPerRequest: number;
  readonly pgbench: string;
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** `{}` stands for a random whole number from 1 to `randomMax`. */
  readonly fastifyPath: string;
  readonly millracePath: string;
  readonly table: string;
  readonly randomMax: number;
  /** Different bodies that requests pick from. */
  readonly bodies?: { readonly count: number; readonly make: () => object };
  /** Records of a right answer and the fields of each. */
  readonly answer: { readonly records: number; readonly fields: readonly string[] };
}

/** Added latency over the driver at one connection. */
export interface LatencyCase extends Figure {
  readonly kind: 'latency';
}

/** The all-in-one start: not a load, only ours is measured. */
export interface StartCase extends Figure {
  readonly kind: 'start';
  readonly figure: 'memory' | 'time';
}

export type BenchCase = LoadCase | LatencyCase | StartCase;

const MANY = 1000;
const FILTERED = 20;
const WARM = 10;
const MILLRACE_TABLES = '/api/v2/bench/_table';
const INSERT_COLUMNS = 'device_id, name, temperature, measured_at';

/** Pages by key from a random row, so that neither a cache of answers nor the cost of an offset decides. */
function page(rows: number, targets: readonly Target[]): LoadCase {
  const randomMax = ROWS - rows;
  return {
    kind: 'load',
    name: `list-${rows}`,
    title: `GET ${rows.toLocaleString('en-US')} rows`,
    unit: 'requests/s',
    unitsPerRequest: 1,
    targets,
    pgbench: `\\set id random(1, ${randomMax})
      select * from ${READ_TABLE} where id > :id order by id limit ${rows};`,
    method: 'GET',
    fastifyPath: `/readings?after={}&limit=${rows}`,
    millracePath: `${MILLRACE_TABLES}/${READ_TABLE}?filter=id%3E{}&order=id&limit=${rows}`,
    table: READ_TABLE,
    randomMax,
    answer: { records: rows, fields: FIELDS },
  };
}

function insert(rows: number, pgbench: string, unit: Unit, targets: readonly Target[]): LoadCase {
  return {
    kind: 'load',
    name: `insert-${rows}`,
    title: rows === 1 ? 'POST one row, durable' : `POST ${rows.toLocaleString('en-US')} rows, durable`,
    unit,
    unitsPerRequest: rows,
    targets,
    pgbench,
    method: 'POST',
    fastifyPath: '/readings',
    millracePath: `${MILLRACE_TABLES}/${INSERT_TABLE}`,
    table: INSERT_TABLE,
    randomMax: 1,
    bodies: { count: rows === 1 ? 2000 : 16, make: () => ({ resource: Array.from({ length: rows }, newReading) }) },
    answer: { records: rows, fields: ['id'] },
  };
}

/** Shared by the case under load, the one that measures latency, and the one on MariaDB. */
export const GET_BY_ID: LoadCase = {
  kind: 'load',
  name: 'get',
  title: 'GET by id',
  unit: 'requests/s',
  unitsPerRequest: 1,
  targets: [
    { measure: 'C/A', atLeast: 0.9 },
    { measure: 'C/B', atLeast: 2.5 },
  ],
  pgbench: `\\set id random(1, ${ROWS})
    select * from ${READ_TABLE} where id = :id;`,
  method: 'GET',
  fastifyPath: '/readings/{}',
  millracePath: `${MILLRACE_TABLES}/${READ_TABLE}/{}`,
  table: READ_TABLE,
  randomMax: ROWS,
  answer: { records: 1, fields: FIELDS },
};

const FILTERED_LIST: LoadCase = {
  kind: 'load',
  name: 'filter',
  title: 'GET filtered and ordered',
  unit: 'requests/s',
  unitsPerRequest: 1,
  targets: [],
  pgbench: `\\set device random(1, ${DEVICES})
    select * from ${READ_TABLE} where device_id = :device and temperature > ${WARM}
     order by measured_at desc limit ${FILTERED};`,
  method: 'GET',
  fastifyPath: `/devices/{}/readings?warmer_than=${WARM}&limit=${FILTERED}`,
  millracePath:
    `${MILLRACE_TABLES}/${READ_TABLE}?filter=(device_id%3D{})%20and%20(temperature%3E${WARM})` +
    `&order=measured_at%20desc&limit=${FILTERED}`,
  table: READ_TABLE,
  randomMax: DEVICES,
  answer: { records: FILTERED, fields: FIELDS },
};

const INSERT_ONE_SQL = `\\set device random(1, ${DEVICES})
  \\set temperature random(-500, 3500)
  insert into ${INSERT_TABLE} (${INSERT_COLUMNS})
  values (:device, 'sensor-' || :device, :temperature / 100.0, '2024-05-17T09:41:00.000Z') returning id;`;

const INSERT_MANY_SQL = `insert into ${INSERT_TABLE} (${INSERT_COLUMNS}) ${selectNewReadings(MANY)} returning id;`;

export const INSERT_ONE: LoadCase = insert(1, INSERT_ONE_SQL, 'requests/s', [
  { measure: 'C/A', atLeast: 1.5 },
  { measure: 'C/B', atLeast: 3 },
]);

const UPDATE: LoadCase = {
  kind: 'load',
  name: 'update',
  title: 'PATCH by id, durable',
  unit: 'requests/s',
  unitsPerRequest: 1,
  targets: [],
  pgbench: `\\set id random(1, ${ROWS})
    \\set temperature random(-500, 3500)
    update ${UPDATE_TABLE} set temperature = :temperature / 100.0 where id = :id returning id;`,
  method: 'PATCH',
  fastifyPath: '/readings/{}',
  millracePath: `${MILLRACE_TABLES}/${UPDATE_TABLE}/{}`,
  table: UPDATE_TABLE,
  randomMax: ROWS,
  bodies: { count: 2000, make: () => ({ temperature: randomTemperature() }) },
  answer: { records: 1, fields: ['id'] },
};

/** In the order of the run: the start first, while the machine is quiet; reads before writes. */
export const CASES: readonly BenchCase[] = [
  {
    kind: 'start',
    figure: 'time',
    name: 'start-time',
    title: 'all-in-one, second start to ready',
    unit: 's',
    targets: [{ measure: 'C', atMost: 3 }],
  },
  {
    kind: 'start',
    figure: 'memory',
    name: 'start-memory',
    title: 'all-in-one, resident memory, idle',
    unit: 'MB',
    targets: [{ measure: 'C', atMost: 450 }],
  },
  {
    kind: 'latency',
    name: 'latency',
    title: 'GET by id at 1 connection, p50 (A: the driver itself)',
    unit: 'ms',
    targets: [{ measure: 'C-A', atMost: 1.5 }],
  },
  GET_BY_ID,
  page(100, [{ measure: 'C/B', atLeast: 1.8 }]),
  page(MANY, [{ measure: 'C/B', atLeast: 2 }]),
  FILTERED_LIST,
  INSERT_ONE,
  insert(MANY, INSERT_MANY_SQL, 'rows/s', [{ measure: 'C', atLeast: 60_000 }]),
  UPDATE,
];
