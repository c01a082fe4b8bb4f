/** Writes to DynamoDB: several unconditional puts in one request, each other one by itself, or all in a transaction. */
import * as dynamo from '@aws-sdk/client-dynamodb';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { chunksOf, mapAtOnce } from '../at-once.ts';
import type { StoreTable, Write, WriteOutcome } from '../engine.ts';
import { overloaded, pauses, wait } from '../throttling.ts';
import type { DynamoClient } from './client.ts';
import { isConditionFailed, isRefused, translate } from './errors.ts';
import { type WriteRequest, writeRequestOf } from './request.ts';
import { documentOf, keyText } from './types.ts';

/** What one BatchWriteItem takes. */
export const BATCH_MAX = 25;
/** What one TransactWriteItems takes. */
export const TRANSACTION_MAX = 100;
const AT_ONCE = 16;

interface Prepared {
  readonly write: Write;
  readonly request: WriteRequest;
  readonly index: number;
}

export async function writeAll(
  client: DynamoClient,
  table: StoreTable,
  writes: readonly Write[],
  ordered: boolean,
  deadline: Deadline,
): Promise<WriteOutcome[]> {
  if (ordered) return writeInOrder(client, table, writes, deadline);
  const outcomes = new Array<WriteOutcome>(writes.length);
  const byKey = new Map<string, Prepared[]>();
  const names = table.key.map(({ name }) => name);
  for (const [index, write] of writes.entries()) {
    const request = prepared(table, write);
    if ('error' in request) {
      outcomes[index] = request;
      continue;
    }
    const key = keyText(request.key, names);
    const same = byKey.get(key);
    const one = { write, request, index };
    if (same) same.push(one);
    else byKey.set(key, [one]);
  }
  const groups = [...byKey.values()];
  const batched = groups.filter(isBatchable).map(([first]) => first as Prepared);
  const singles = [...groups.filter((group) => !isBatchable(group)), ...(batched.length === 1 ? [batched] : [])];
  const batches = batched.length > 1 ? chunksOf(batched, BATCH_MAX) : [];
  const work = [
    ...batches.map((batch) => () => writeBatch(client, batch, names, outcomes, deadline)),
    // Writes of one document keep their order.
    ...singles.map((group) => () => writeEach(client, group, outcomes, deadline)),
  ];
  await mapAtOnce(work, AT_ONCE, (run) => run());
  return outcomes;
}

/** A transaction of all. */
export async function writeTransaction(
  client: DynamoClient,
  table: StoreTable,
  writes: readonly Write[],
  deadline: Deadline,
): Promise<WriteOutcome[]> {
  const requests: WriteRequest[] = [];
  const done = (): WriteOutcome[] =>
    requests.map((request, index) => succeeded(writes[index] as Write, request, false));
  for (const write of writes) {
    const request = prepared(table, write);
    if ('error' in request) return [...done(), request];
    requests.push(request);
  }
  const items = requests.map(({ kind, input }) => {
    const expressions = kind === 'Update' ? { UpdateExpression: undefined, ...input } : input;
    return { [kind]: expressions } as dynamo.TransactWriteItem;
  });
  const command = new dynamo.TransactWriteItemsCommand({ TransactItems: items });
  try {
    await patiently(() => client.request(deadline, (to, abortSignal) => to.send(command, { abortSignal })), deadline);
    return done();
  } catch (error) {
    const failed = reasonsOf(error).findIndex((code) => code !== 'None');
    if (failed < 0) throw translate(error);
    const write = writes[failed] as Write;
    const code = reasonsOf(error)[failed];
    const outcome = code === 'ConditionalCheckFailed' ? unmet(write) : { error: cancelled(code, error) };
    return [...done().slice(0, failed), outcome];
  }
}

/** Two transactions that meet do nothing, and are sent again as what is throttled. */
async function patiently<T>(request: () => Promise<T>, deadline: Deadline): Promise<T> {
  const nextPause = pauses(deadline);
  for (;;) {
    try {
      return await request();
    } catch (error) {
      const reasons = reasonsOf(error).filter((code) => code !== 'None');
      if (reasons.length === 0 || !reasons.every((code) => PASSING.has(code))) throw error;
      const pause = nextPause();
      if (pause === undefined) throw overloaded(error);
      await wait(pause, deadline);
    }
  }
}

const PASSING: ReadonlySet<string> = new Set([
  'TransactionConflict',
  'ProvisionedThroughputExceeded',
  'ThrottlingError',
]);

const reasonsOf = (error: unknown): string[] =>
  error instanceof dynamo.TransactionCanceledException
    ? (error.CancellationReasons ?? []).map(({ Code = 'None' }) => Code)
    : [];

const cancelled = (code: string | undefined, cause: unknown): MillraceError =>
  code === 'ValidationError' || code === 'ItemCollectionSizeLimitExceeded'
    ? new MillraceError(
        'invalid',
        'The database does not take this record: it is too large, or a value has another type than a key.',
        undefined,
        cause,
      )
    : translate(cause);

function prepared(table: StoreTable, write: Write): WriteRequest | { readonly error: MillraceError } {
  try {
    return writeRequestOf(table, write);
  } catch (error) {
    return { error: MillraceError.from(error) };
  }
}

const isBatchable = (group: readonly Prepared[]): boolean =>
  group.length === 1 && group[0]?.request.isConditional === false && group[0].request.kind === 'Put';

async function writeInOrder(
  client: DynamoClient,
  table: StoreTable,
  writes: readonly Write[],
  deadline: Deadline,
): Promise<WriteOutcome[]> {
  const outcomes: WriteOutcome[] = [];
  for (const write of writes) {
    const request = prepared(table, write);
    const outcome = 'error' in request ? request : await writeOne(client, write, request, deadline);
    outcomes.push(outcome);
    if ('error' in outcome) break;
  }
  return outcomes;
}

async function writeEach(
  client: DynamoClient,
  group: readonly Prepared[],
  outcomes: WriteOutcome[],
  deadline: Deadline,
): Promise<void> {
  for (const { write, request, index } of group) outcomes[index] = await writeOne(client, write, request, deadline);
}

/** @throws MillraceError when nobody waits any longer */
async function writeOne(
  client: DynamoClient,
  write: Write,
  { kind, input, key }: WriteRequest,
  deadline: Deadline,
): Promise<WriteOutcome> {
  const wanted = { ...input, ReturnValues: (write.kind === 'insert' ? 'NONE' : 'ALL_OLD') as 'NONE' | 'ALL_OLD' };
  try {
    const { Attributes } = await client.request(deadline, async (to, abortSignal) => {
      switch (kind) {
        case 'Put':
          return to.send(new dynamo.PutItemCommand(wanted as dynamo.PutItemCommandInput), { abortSignal });
        case 'Update':
          return to.send(new dynamo.UpdateItemCommand(wanted as dynamo.UpdateItemCommandInput), { abortSignal });
        case 'Delete':
          return to.send(new dynamo.DeleteItemCommand(wanted as dynamo.DeleteItemCommandInput), { abortSignal });
      }
    });
    const isNew = Attributes === undefined || Object.keys(Attributes).length === 0;
    return { key: documentOf(key), created: write.kind !== 'delete' && isNew };
  } catch (error) {
    deadline.throwIfAborted();
    return isConditionFailed(error) ? unmet(write) : { error: translate(error) };
  }
}

/** What is refused in company is sent again alone, so that a bad one fails alone. */
async function writeBatch(
  client: DynamoClient,
  batch: readonly Prepared[],
  names: readonly string[],
  outcomes: WriteOutcome[],
  deadline: Deadline,
): Promise<void> {
  const left = new Map(batch.map((one) => [keyText(one.request.key, names), one]));
  try {
    const nextPause = pauses(deadline);
    for (;;) {
      for (const { write, request, index } of await putSome(client, left, names, deadline)) {
        outcomes[index] = succeeded(write, request, false);
      }
      if (left.size === 0) return;
      const pause = nextPause();
      if (pause === undefined) throw overloaded();
      await wait(pause, deadline);
    }
  } catch (error) {
    deadline.throwIfAborted();
    if (isRefused(error)) return writeEach(client, [...left.values()], outcomes, deadline);
    for (const { index } of left.values()) outcomes[index] = { error: translate(error) };
  }
}

/** Unprocessed items are those for which there was no capacity: they stay. @returns those that are done */
async function putSome(
  client: DynamoClient,
  left: Map<string, Prepared>,
  names: readonly string[],
  deadline: Deadline,
): Promise<Prepared[]> {
  const sent = [...left];
  const name = sent[0]?.[1].request.input.TableName ?? '';
  const items = sent.map(([, { request }]) => ({ PutRequest: { Item: request.input.Item } }));
  const command = new dynamo.BatchWriteItemCommand({ RequestItems: { [name]: items } });
  const { UnprocessedItems } = await client.request(deadline, (to, abortSignal) => to.send(command, { abortSignal }));
  const undone = new Set(
    (UnprocessedItems?.[name] ?? []).map(({ PutRequest }) => keyText(PutRequest?.Item ?? {}, names)),
  );
  const done = sent.filter(([key]) => !undone.has(key));
  for (const [key] of done) left.delete(key);
  return done.map(([, one]) => one);
}

const succeeded = (write: Write, { key }: WriteRequest, created: boolean): WriteOutcome => ({
  key: documentOf(key),
  created: created || write.kind === 'insert',
});

const unmet = (write: Write): WriteOutcome =>
  write.kind === 'insert'
    ? { error: new MillraceError('conflict', 'A record with this key already exists.') }
    : { missing: true };
