/** What a careful person would write by hand for these collections: Fastify with schemas, the driver, a key in memory. */
import Fastify from 'fastify';
import { MongoClient } from 'mongodb';
import type { NewReading } from '../dataset.ts';

const CONNECTIONS_MAX = 16;
const client = new MongoClient(process.env['BENCH_DATABASE_URL'] ?? '', { maxPoolSize: CONNECTIONS_MAX });
const db = client.db(process.env['BENCH_DATABASE']);
const readings = db.collection<NewReading & { _id: number }>('readings');
const written = db.collection<NewReading>('written');
const appsByKey = new Map([[process.env['BENCH_API_KEY'], { name: 'bench' }]]);
const app = Fastify();

app.addHook('onRequest', async (request, reply) => {
  const key = request.headers['x-api-key'];
  if (typeof key !== 'string' || !appsByKey.has(key)) {
    return reply.code(401).send({ error: { code: 401, message: 'The API key is missing or unknown.' } });
  }
});

const text = { type: 'string' } as const;
const number = { type: 'number' } as const;
const reading = { device_id: { type: 'integer' }, name: text, temperature: number, measured_at: text } as const;

app.get<{ Params: { id: number } }>(
  '/readings/:id',
  {
    schema: {
      params: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] },
      response: { 200: { type: 'object', properties: { _id: { type: 'integer' }, ...reading } } },
    },
  },
  async (request, reply) => {
    const found = await readings.findOne({ _id: request.params.id });
    return found ?? reply.code(404).send({ error: { code: 404, message: 'There is no such record.' } });
  },
);

app.post<{ Body: { resource: [NewReading] } }>(
  '/readings',
  {
    schema: {
      body: {
        type: 'object',
        properties: {
          resource: {
            type: 'array',
            minItems: 1,
            maxItems: 1,
            items: { type: 'object', properties: reading, required: Object.keys(reading) },
          },
        },
        required: ['resource'],
      },
      response: {
        201: {
          type: 'object',
          properties: { resource: { type: 'array', items: { type: 'object', properties: { _id: text } } } },
        },
      },
    },
  },
  async (request, reply) => {
    const { insertedId } = await written.insertOne({ ...request.body.resource[0] });
    reply.code(201);
    return { resource: [{ _id: insertedId.toHexString() }] };
  },
);

process.once('SIGTERM', async () => {
  await app.close();
  await client.close();
});
await client.connect();
await app.listen({ host: '127.0.0.1', port: Number(process.env['BENCH_PORT']) });
