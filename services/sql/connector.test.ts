/** Services come and go as the system service says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { type Action, failureOf } from '#common/testing/bench.ts';
import { Removal_Kind as Kind, type Removal_Kind, UpdateSchema } from '#proto/access/v1/access_pb.ts';
import { OperationSchema, type Shape, ShapeSchema, Target } from '#proto/data/v1/data_pb.ts';
import { define } from './conformance/company.ts';
import { SqlConnector } from './connector.ts';

let dataDir: string;
let connector: SqlConnector;
let version = 0n;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-connector-'));
  connector = new SqlConnector({
    dataDir,
    connectionsMax: 2,
    saveExtras: async () => {},
    log: pino({ level: 'silent' }),
  });
});
afterEach(async () => {
  await connector.close();
  rmSync(dataDir, { recursive: true });
});

interface Said {
  readonly full?: boolean;
  readonly services?: readonly { id: number; name: string; type?: string; config?: object }[];
  readonly extras?: readonly { id: number; table: string; properties: object }[];
  readonly removals?: readonly { kind: Removal_Kind; id: number }[];
}

/** All extras are of the service 1. */
function push({ full = false, services = [], extras = [], removals = [] }: Said): void {
  version += 1n;
  connector.apply(
    create(UpdateSchema, {
      version,
      full,
      services: services.map(({ config = {}, type = 'sqlite', ...one }) => ({
        ...one,
        type,
        configJson: Buffer.from(JSON.stringify({ database: 'main.sqlite', ...config })),
      })),
      schemaExtras: extras.map(({ properties, ...one }) => ({
        ...one,
        serviceId: 1,
        propertiesJson: Buffer.from(JSON.stringify(properties)),
      })),
      removals: [...removals],
    }),
  );
}

const shapeOf = (service: string, action: Action): Shape => create(ShapeSchema, { service, action, unruled: true });

async function ask(service: string, action: Action, records: unknown = []): Promise<unknown> {
  const operation = create(OperationSchema, { records: Buffer.from(JSON.stringify(records)) });
  try {
    const { json } = await connector.execute(operation, shapeOf(service, action), Deadline.after(30_000));
    return JSON.parse(Buffer.from(json).toString());
  } catch (error) {
    return failureOf(error).code;
  }
}

const count = (service: string, table = 't'): Promise<unknown> =>
  ask(service, { case: 'read', value: { table, target: Target.FILTER, countOnly: true } });
async function makeTable(service: string): Promise<void> {
  const { action, records } = define([{ name: 't', field: [{ name: 'id', type: 'id' }] }]);
  await ask(service, action, records);
}

test('a service is there once it was said, and gone when it is removed', async () => {
  push({ full: true });
  expect(await count('one')).toBe('not_found');
  push({ full: true, services: [{ id: 1, name: 'One' }] });
  await makeTable('one');
  expect(await count('one')).toBe(0);
  push({ removals: [{ kind: Kind.SERVICE, id: 1 }] });
  expect(await count('one')).toBe('not_found');
});

test('a service that callers know already is waited for', async () => {
  push({ full: true, services: [{ id: 1, name: 'One' }] });
  await makeTable('one');
  const counted = count('two');
  push({ services: [{ id: 3, name: 'Three' }] });
  push({ services: [{ id: 2, name: 'Two' }] });
  expect(await counted).toBe(0);
});

test('as long as nothing was said, a service may be there', async () => {
  expect(await count('one')).toBe('unavailable');
});

test('a full update forgets what it does not name', async () => {
  push({
    full: true,
    services: [
      { id: 1, name: 'one' },
      { id: 2, name: 'two' },
    ],
  });
  await makeTable('one');
  push({ full: true, services: [{ id: 2, name: 'two' }] });
  expect([await count('one'), await count('two')]).toEqual(['not_found', 0]);
});

test('other settings open it anew, the same ones do not', async () => {
  push({ services: [{ id: 1, name: 'one', config: { database: ':memory:' } }] });
  await makeTable('one');
  push({ services: [{ id: 1, name: 'one', config: { database: ':memory:' } }] });
  expect(await count('one')).toBe(0);
  push({ services: [{ id: 1, name: 'one', config: { database: ':memory:', max_records: 5 } }] });
  expect(await count('one')).toBe('not_found');
});

test('a service that is renamed is known by its new name only', async () => {
  push({ services: [{ id: 1, name: 'one' }] });
  await makeTable('one');
  push({ services: [{ id: 1, name: 'other' }] });
  expect([await count('one'), await count('other')]).toEqual(['not_found', 0]);
});

test('what is not served here is not known, and settings that are wrong are told', async () => {
  push({
    services: [
      { id: 1, name: 'one', type: 'email' },
      { id: 2, name: 'two', config: { database: '' } },
    ],
  });
  expect([await count('one'), await count('two')]).toEqual(['not_found', 'invalid']);
  push({ services: [{ id: 2, name: 'two' }] });
  await makeTable('two');
  expect(await count('two')).toBe(0);
});

test('what is stored beside the schema comes and goes', async () => {
  push({ services: [{ id: 1, name: 'one' }] });
  await makeTable('one');
  push({ extras: [{ id: 7, table: 't', properties: { alias: 'tee' } }] });
  expect([await count('one', 'tee'), await count('one', 't')]).toEqual([0, 'not_found']);
  push({ removals: [{ kind: Kind.SCHEMA_EXTRA, id: 7 }] });
  expect([await count('one', 'tee'), await count('one', 't')]).toEqual(['not_found', 0]);
});

test('who waits for a version hears of it, and of later ones', async () => {
  const next = version + 1n;
  const heard: string[] = [];
  const waiting = [
    connector.reached(next).then(() => heard.push('next')),
    connector.reached(next + 1n).then(() => heard.push('later')),
  ];
  push({});
  await waiting[0];
  expect(heard).toEqual(['next']);
  push({});
  await Promise.all(waiting);
  await connector.reached(next);
  expect(heard).toEqual(['next', 'later']);
});
