/** Tables and indexes of DynamoDB: listed, made, removed. */
import * as dynamo from '@aws-sdk/client-dynamodb';
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { mapAtOnce } from '../at-once.ts';
import type { KeyField, NewIndex, StoreTable } from '../engine.ts';
import { wait } from '../throttling.ts';
import type { DynamoClient } from './client.ts';
import { translate } from './errors.ts';
import { keyFieldsOf, keyTypes } from './request.ts';

const DESCRIBED_AT_ONCE = 8;
const POLL_MS = 100;
/** Of a new table where nothing is said (database-api §9.4). */
const CAPACITY = { ReadCapacityUnits: 10, WriteCapacityUnits: 20 };
/** What a definition may say in DynamoDB's own words. */
const SETTINGS = [
  'AttributeDefinitions',
  'KeySchema',
  'LocalSecondaryIndexes',
  'GlobalSecondaryIndexes',
  'BillingMode',
  'ProvisionedThroughput',
  'OnDemandThroughput',
  'StreamSpecification',
  'SSESpecification',
  'Tags',
  'TableClass',
  'DeletionProtectionEnabled',
] as const;

const TYPES: Readonly<Record<KeyField['type'], dynamo.ScalarAttributeType>> = {
  string: 'S',
  number: 'N',
  binary: 'B',
  any: 'S',
};

export async function listTables(client: DynamoClient, deadline: Deadline): Promise<StoreTable[]> {
  const names: string[] = [];
  let last: string | undefined;
  do {
    const command = new dynamo.ListTablesCommand({ ...(last !== undefined && { ExclusiveStartTableName: last }) });
    const page = await client.ask(deadline, (to, abortSignal) => to.send(command, { abortSignal }));
    names.push(...(page.TableNames ?? []));
    last = page.LastEvaluatedTableName;
  } while (last !== undefined);
  const found = await mapAtOnce(names, DESCRIBED_AT_ONCE, (name) => describe(client, name, deadline));
  // One that was removed meanwhile is none.
  return found.flatMap((table) => (table && table.TableStatus !== 'DELETING' ? [tableOf(table)] : []));
}

export function tableOf(table: dynamo.TableDescription): StoreTable {
  const types = keyTypes(table);
  const indexes = [...(table.LocalSecondaryIndexes ?? []), ...(table.GlobalSecondaryIndexes ?? [])];
  return {
    name: table.TableName ?? '',
    key: keyFieldsOf(table.KeySchema ?? [], types),
    indexes: indexes.map(({ IndexName = '', KeySchema = [] }) => ({
      name: IndexName,
      fields: keyFieldsOf(KeySchema, types).map(({ name }) => name),
      unique: false,
    })),
    native: table,
  };
}

async function describe(
  client: DynamoClient,
  TableName: string,
  deadline: Deadline,
): Promise<dynamo.TableDescription | undefined> {
  const command = new dynamo.DescribeTableCommand({ TableName });
  try {
    const { Table } = await client.request(deadline, (to, abortSignal) => to.send(command, { abortSignal }));
    return Table;
  } catch (error) {
    const translated = translate(error);
    if (translated.code === 'not_found') return undefined;
    throw translated;
  }
}

/** DynamoDB counts every few hours. */
export async function estimate(client: DynamoClient, name: string, deadline: Deadline): Promise<number> {
  return (await describe(client, name, deadline))?.ItemCount ?? 0;
}

export async function createTable(
  client: DynamoClient,
  name: string,
  key: readonly KeyField[],
  native: unknown,
  deadline: Deadline,
): Promise<void> {
  const command = new dynamo.CreateTableCommand(creationOf(name, key, native));
  await client.ask(deadline, (to, abortSignal) => to.send(command, { abortSignal }));
  await until(client, name, deadline, isReady);
}

/** @throws MillraceError invalid that names the setting */
export function creationOf(name: string, key: readonly KeyField[], native: unknown): dynamo.CreateTableCommandInput {
  const settings = settingsOf(native);
  const fields = key.length > 0 ? key : [{ name: 'id', type: 'string' as const }];
  if (fields.length > 2) throw invalid('A table has a partition key and a sort key at most.', { field: 'field' });
  return {
    AttributeDefinitions: fields.map((field) => ({ AttributeName: field.name, AttributeType: TYPES[field.type] })),
    KeySchema: fields.map((field, index) => ({
      AttributeName: field.name,
      KeyType: index === 0 ? ('HASH' as const) : ('RANGE' as const),
    })),
    ...(settings['BillingMode'] !== 'PAY_PER_REQUEST' && { ProvisionedThroughput: CAPACITY }),
    ...settings,
    TableName: name,
  };
}

function settingsOf(native: unknown): Record<string, unknown> {
  if (native === undefined || native === null) return {};
  if (typeof native !== 'object' || Array.isArray(native))
    throw invalid("'native' must be an object.", { field: 'native' });
  const strange = Object.keys(native).find(
    (name) => name !== 'TableName' && !(SETTINGS as readonly string[]).includes(name),
  );
  if (strange !== undefined) throw invalid(`'native' has no setting '${strange}'.`, { field: strange });
  return Object.fromEntries(Object.entries(native).filter(([name]) => name !== 'TableName'));
}

export async function dropTable(client: DynamoClient, TableName: string, deadline: Deadline): Promise<void> {
  const command = new dynamo.DeleteTableCommand({ TableName });
  await client.ask(deadline, (to, abortSignal) => to.send(command, { abortSignal }));
  await until(client, TableName, deadline, (table) => table === undefined);
}

export async function createIndex(
  client: DynamoClient,
  table: StoreTable,
  index: NewIndex,
  deadline: Deadline,
): Promise<void> {
  const command = new dynamo.UpdateTableCommand(indexCreationOf(table, index));
  await client.ask(deadline, (to, abortSignal) => to.send(command, { abortSignal }));
  await until(client, table.name, deadline, isReady);
}

/** @throws MillraceError invalid */
export function checkIndex({ fields, unique, types = [] }: NewIndex): void {
  const refused = (field: string, why: string) => invalid(`Field '${field}': ${why}.`, { field });
  const [first = ''] = fields;
  if (unique) throw refused(first, 'DynamoDB has no unique indexes, only the key of a record is unique');
  if (fields.length < 1 || fields.length > 2) throw refused(first, 'an index of DynamoDB has one field or two');
  for (const [at, field] of fields.entries()) {
    if (field.includes('.')) throw refused(field, 'DynamoDB has no indexes of members of members');
    if (types[at] === 'any') throw refused(field, 'DynamoDB has indexes of texts, numbers and binaries only');
  }
}

/** A global one, of texts where no type is known. @throws MillraceError invalid */
export function indexCreationOf({ name, key, native }: StoreTable, index: NewIndex): dynamo.UpdateTableCommandInput {
  checkIndex(index);
  const known = new Map<string, KeyField['type']>([
    ...index.fields.map((field, at) => [field, index.types?.[at] ?? 'string'] as const),
    ...keyTypes(native ?? {}),
    ...key.map((one) => [one.name, one.type] as const),
  ]);
  const names = [...new Set([...known.keys(), ...index.fields])];
  const isPaid =
    (native as Partial<dynamo.TableDescription> | undefined)?.BillingModeSummary?.BillingMode === 'PAY_PER_REQUEST';
  const KeySchema = index.fields.map((field, at) => ({
    AttributeName: field,
    KeyType: at === 0 ? ('HASH' as const) : ('RANGE' as const),
  }));
  return {
    TableName: name,
    AttributeDefinitions: names.map((one) => ({
      AttributeName: one,
      AttributeType: TYPES[known.get(one) ?? 'string'],
    })),
    GlobalSecondaryIndexUpdates: [
      {
        Create: {
          IndexName: index.name,
          KeySchema,
          Projection: { ProjectionType: 'ALL' },
          ...(!isPaid && { ProvisionedThroughput: CAPACITY }),
        },
      },
    ],
  };
}

export async function dropIndex(
  client: DynamoClient,
  table: string,
  IndexName: string,
  deadline: Deadline,
): Promise<void> {
  const command = new dynamo.UpdateTableCommand({
    TableName: table,
    GlobalSecondaryIndexUpdates: [{ Delete: { IndexName } }],
  });
  await client.ask(deadline, (to, abortSignal) => to.send(command, { abortSignal }));
  await until(client, table, deadline, (found) => {
    const there = found?.GlobalSecondaryIndexes ?? [];
    return isReady(found) && !there.some((index) => index.IndexName === IndexName);
  });
}

const isReady = (table: dynamo.TableDescription | undefined): boolean =>
  table?.TableStatus === 'ACTIVE' &&
  (table.GlobalSecondaryIndexes ?? []).every(
    ({ IndexStatus }) => IndexStatus === undefined || IndexStatus === 'ACTIVE',
  );

/** Changes go on after they were accepted. */
async function until(
  client: DynamoClient,
  name: string,
  deadline: Deadline,
  isDone: (table: dynamo.TableDescription | undefined) => boolean,
): Promise<void> {
  while (!isDone(await describe(client, name, deadline))) await wait(POLL_MS, deadline);
}
