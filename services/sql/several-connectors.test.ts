/** What is changed through one connector is seen by all that the same changes are pushed to. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import pino from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { parseJson } from '#common/json.ts';
import type { Action } from '#common/testing/bench.ts';
import { Removal_Kind as Kind, type SchemaExtra, SchemaExtraSchema, UpdateSchema } from '#proto/access/v1/access_pb.ts';
import { OperationSchema, ResourceKind, ShapeSchema, Target } from '#proto/data/v1/data_pb.ts';
import type { ExtraChange } from '#proto/system/v1/system_pb.ts';
import { define, defineFields, drop } from './conformance/company.ts';
import { SqlConnector } from './connector.ts';

/** Stores what connectors say and pushes it to both, as the system service does. */
class Pushing {
  readonly connectors: SqlConnector[] = [];
  readonly #stored = new Map<string, SchemaExtra>();
  #version = 1n;

  async save(changes: readonly ExtraChange[]): Promise<void> {
    const update = create(UpdateSchema, { version: ++this.#version });
    for (const { table, field, relation, propertiesJson } of changes) {
      const key = [table, field, relation].join('/');
      const before = this.#stored.get(key);
      if (propertiesJson.length > 0) {
        const merged = { ...read(before?.propertiesJson), ...read(propertiesJson) };
        const json = Buffer.from(JSON.stringify(merged));
        const id = before?.id ?? this.#stored.size + 1;
        const extra = create(SchemaExtraSchema, { id, serviceId: 1, table, field, relation, propertiesJson: json });
        this.#stored.set(key, extra);
        update.schemaExtras.push(extra);
      } else if (before) {
        this.#stored.delete(key);
        update.removals.push({ $typeName: 'millrace.access.v1.Removal', kind: Kind.SCHEMA_EXTRA, id: before.id });
      }
    }
    for (const connector of this.connectors) connector.apply(update);
  }
}

const read = (json: Uint8Array | undefined): object => (json ? (parseJson(json) as object) : {});

const pushing = new Pushing();
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-connectors-'));
const configJson = Buffer.from(JSON.stringify({ database: 'main.sqlite' }));
let here: SqlConnector;
let there: SqlConnector;

beforeAll(async () => {
  for (let i = 0; i < 2; i++) {
    const connector = new SqlConnector({
      dataDir,
      connectionsMax: 2,
      saveExtras: (_, changes) => pushing.save(changes),
      log: pino({ level: 'silent' }),
    });
    const services = [{ id: 1, name: 'db', type: 'sqlite', configJson }];
    connector.apply(create(UpdateSchema, { version: 1n, full: true, services }));
    pushing.connectors.push(connector);
  }
  [here, there] = pushing.connectors as [SqlConnector, SqlConnector];
});
afterAll(async () => {
  await Promise.all([here.close(), there.close()]);
  rmSync(dataDir, { recursive: true });
});

async function ask(connector: SqlConnector, { action, records }: { action: Action; records?: unknown }) {
  const json = records === undefined ? '' : JSON.stringify(records);
  const operation = create(OperationSchema, { records: Buffer.from(json) });
  const shape = create(ShapeSchema, { service: 'db', action, unruled: true });
  return parseJson((await connector.execute(operation, shape, Deadline.after(10_000))).json);
}
const tablesOf = async (connector: SqlConnector): Promise<string[]> => {
  const list = { action: { case: 'listResources' as const, value: { kind: ResourceKind.SCHEMA } } };
  return ((await ask(connector, list)) as { name: string }[]).map(({ name }) => name);
};
const fieldsOf = async (connector: SqlConnector, table: string): Promise<string[]> => {
  const action: Action = { case: 'describeTables', value: { tables: [table], target: Target.ONE } };
  return ((await ask(connector, { action })) as { field: { name: string }[] }).field.map(({ name }) => name);
};

test('tables and fields that are made, and dropped', async () => {
  const table = { name: 'trip', field: [{ name: 'id', type: 'id' }] };
  expect([await tablesOf(here), await tablesOf(there)]).toEqual([[], []]);
  await ask(here, define([table]));
  expect(await tablesOf(here)).toEqual(['trip']);
  await vi.waitUntil(async () => (await tablesOf(there)).length === 1);
  await ask(there, defineFields('trip', [{ name: 'goal', type: 'string', allow_null: true, label: 'Goal!' }]));
  expect(await fieldsOf(there, 'trip')).toEqual(['id', 'goal']);
  await vi.waitUntil(async () => (await fieldsOf(here, 'trip')).length === 2);
  await ask(here, drop(Target.ONE, 'trip'));
  await vi.waitUntil(async () => (await tablesOf(there)).length === 0);
});

test('a table that nobody has said anything about, dropped', async () => {
  const other = new SqlConnector({
    dataDir,
    connectionsMax: 2,
    saveExtras: async () => {},
    log: pino({ level: 'silent' }),
  });
  const services = [{ id: 1, name: 'db', type: 'sqlite', configJson }];
  other.apply(create(UpdateSchema, { version: 1n, full: true, services }));
  await ask(other, define([{ name: 'plain', field: [{ name: 'id', type: 'id' }] }]));
  await other.close();
  for (const connector of [here, there]) {
    await ask(connector, {
      action: { case: 'listResources', value: { kind: ResourceKind.SCHEMA, refresh: true } },
    });
  }
  expect(await tablesOf(there)).toEqual(['plain']);
  await ask(here, drop(Target.ONE, 'plain'));
  await vi.waitUntil(async () => (await tablesOf(there)).length === 0);
});
