/**
 * What a careful person would write by hand for these tables: Fastify with schemas, a pool of pg, named prepared
 * statements, an API-key check in memory. Nothing is left out that would make it faster within that idiom.
 */
import Fastify from 'fastify';
import pg from 'pg';
import { INSERT_TABLE, type NewReading, READ_TABLE, UPDATE_TABLE } from './dataset.ts';

const POOL_CONNECTIONS_MAX = 16;
const BODY_BYTES_MAX = 16 * 1024 * 1024;

const pool = new pg.Pool({ connectionString: process.env['BENCH_DATABASE_URL'], max: POOL_CONNECTIONS_MAX });
const appsByKey = new Map([[process.env['BENCH_API_KEY'], { name: 'bench' }]]);
const app = Fastify({ bodyLimit: BODY_BYTES_MAX });

app.addHook('onRequest', async (request, reply) => {
  const key = request.headers['x-api-key'];
  if (typeof key !== 'string' || !appsByKey.has(key)) {
    return reply.code(401).send({ error: { code: 401, message: 'The API key is missing or unknown.' } });
  }
});

const integer = { type: 'integer' } as const;
const number = { type: 'number' } as const;
const text = { type: 'string' } as const;
const reading = { device_id: integer, name: text, temperature: number, measured_at: { ...text, format: 'date-time' } };
const storedReading = { type: 'object', properties: { id: integer, ...reading } } as const;
const storedId = { type: 'object', properties: { id: integer } } as const;
const listOf = (item: object) =>
  ({ type: 'object', properties: { resource: { type: 'array', items: item } } }) as const;
const withParameters = (properties: object) => ({ type: 'object', properties, required: Object.keys(properties) });

interface ById {
  readonly id: number;
}

app.get<{ Params: ById }>(
  '/readings/:id',
  { schema: { params: withParameters({ id: integer }), response: { 200: storedReading } } },
  async (request, reply) => {
    const answer = await pool.query({
      name: 'by-id',
      text: `select * from ${READ_TABLE} where id = $1`,
      values: [request.params.id],
    });
    return answer.rows[0] ?? reply.code(404).send({ error: { code: 404, message: 'There is no such record.' } });
  },
);

app.get<{ Querystring: { after: number; limit: number } }>(
  '/readings',
  {
    schema: {
      querystring: withParameters({ after: integer, limit: integer }),
      response: { 200: listOf(storedReading) },
    },
  },
  async (request) => {
    const answer = await pool.query({
      name: 'page',
      text: `select * from ${READ_TABLE} where id > $1 order by id limit $2`,
      values: [request.query.after, request.query.limit],
    });
    return { resource: answer.rows };
  },
);

app.get<{ Params: { device: number }; Querystring: { warmer_than: number; limit: number } }>(
  '/devices/:device/readings',
  {
    schema: {
      params: withParameters({ device: integer }),
      querystring: withParameters({ warmer_than: number, limit: integer }),
      response: { 200: listOf(storedReading) },
    },
  },
  async (request) => {
    const answer = await pool.query({
      name: 'of-device',
      text: `select * from ${READ_TABLE} where device_id = $1 and temperature > $2 order by measured_at desc limit $3`,
      values: [request.params.device, request.query.warmer_than, request.query.limit],
    });
    return { resource: answer.rows };
  },
);

app.post<{ Body: { resource: readonly NewReading[] } }>(
  '/readings',
  {
    schema: {
      body: withParameters({ resource: { type: 'array', items: withParameters(reading) } }),
      response: { 201: listOf(storedId) },
    },
  },
  async (request, reply) => {
    const answer = await insertReadings(request.body.resource);
    reply.code(201);
    return { resource: answer.rows };
  },
);

const COLUMNS = 'device_id, name, temperature, measured_at';

function insertReadings(records: readonly NewReading[]): Promise<pg.QueryResult> {
  const [first] = records;
  if (first && records.length === 1) {
    return pool.query({
      name: 'insert-one',
      text: `insert into ${INSERT_TABLE} (${COLUMNS}) values ($1, $2, $3, $4) returning id`,
      values: [first.device_id, first.name, first.temperature, first.measured_at],
    });
  }
  return pool.query({
    name: 'insert-many',
    text: `insert into ${INSERT_TABLE} (${COLUMNS})
           select * from unnest($1::integer[], $2::text[], $3::double precision[], $4::timestamptz[]) returning id`,
    values: [
      records.map((record) => record.device_id),
      records.map((record) => record.name),
      records.map((record) => record.temperature),
      records.map((record) => record.measured_at),
    ],
  });
}

app.patch<{ Params: ById; Body: { temperature: number } }>(
  '/readings/:id',
  {
    schema: {
      params: withParameters({ id: integer }),
      body: withParameters({ temperature: number }),
      response: { 200: storedId },
    },
  },
  async (request, reply) => {
    const answer = await pool.query({
      name: 'update',
      text: `update ${UPDATE_TABLE} set temperature = $2 where id = $1 returning id`,
      values: [request.params.id, request.body.temperature],
    });
    return answer.rows[0] ?? reply.code(404).send({ error: { code: 404, message: 'There is no such record.' } });
  },
);

process.once('SIGTERM', () => void app.close().then(() => pool.end()));
await app.listen({ host: '127.0.0.1', port: Number(process.env['BENCH_PORT']) });
