/** Writes to Azure Tables: those of one partition together where that changes nothing, each other one by itself. */
import type { TransactionAction } from '@azure/data-tables';
import type { Deadline } from '#common/deadline.ts';
import type { MillraceError } from '#common/errors.ts';
import { mapAtOnce } from '../at-once.ts';
import type { StoreTable, Write, WriteOutcome } from '../engine.ts';
import type { AzureTablesClient } from './client.ts';
import { codeOf, failedPlace, statusOf, translate } from './errors.ts';
import { chunksByPartition, isBatchable, type Prepared, prepare, runsInOrder, type Step } from './prepare.ts';
import { actionOf, actionOver, CHANGED, failureOf, readEntity, succeeded, writeOne } from './write-one.ts';

const AT_ONCE = 16;

export async function writeAll(
  client: AzureTablesClient,
  { name }: StoreTable,
  writes: readonly Write[],
  ordered: boolean,
  deadline: Deadline,
): Promise<WriteOutcome[]> {
  const steps = writes.map(prepare);
  if (ordered) return writeInOrder(client, name, steps, deadline);
  const outcomes = new Array<WriteOutcome>(writes.length);
  for (const [index, step] of steps.entries()) if ('error' in step) outcomes[index] = step;
  const places = new Map(steps.map((step, index) => [step, index] as const));
  await mapAtOnce(
    chunksByPartition(steps.filter((step) => !('error' in step)) as Prepared[]),
    AT_ONCE,
    async (chunk) => {
      const done = await writeChunk(client, name, chunk, false, deadline);
      for (const [i, one] of chunk.entries()) outcomes[places.get(one) as number] = done[i] as WriteOutcome;
    },
  );
  return outcomes;
}

/** @returns fewer outcomes than steps where one has failed: its own is the last */
async function writeInOrder(
  client: AzureTablesClient,
  table: string,
  steps: readonly Step[],
  deadline: Deadline,
): Promise<WriteOutcome[]> {
  const outcomes: WriteOutcome[] = [];
  const bad = steps.findIndex((step) => 'error' in step);
  const good = (bad < 0 ? steps : steps.slice(0, bad)) as readonly Prepared[];
  for (const run of runsInOrder(good)) {
    outcomes.push(...(await writeChunk(client, table, run, true, deadline)));
    const last = outcomes.at(-1);
    if (last && !('key' in last)) return outcomes;
  }
  return bad < 0 ? outcomes : [...outcomes, steps[bad] as { readonly error: MillraceError }];
}

/** What is refused in company is sent again alone, so that each fails alone. */
async function writeChunk(
  client: AzureTablesClient,
  table: string,
  chunk: readonly Prepared[],
  ordered: boolean,
  deadline: Deadline,
): Promise<WriteOutcome[]> {
  if (chunk.length > 1 && chunk.every(isBatchable)) {
    try {
      await submit(client, table, chunk.map(actionOf), deadline);
      return chunk.map((step) => succeeded(step));
    } catch (error) {
      deadline.throwIfAborted();
      const isRefused = [400, 404, 409, 412, 413].includes(statusOf(error) ?? 0);
      if (!isRefused || codeOf(error) === 'TableNotFound') return failedAll(chunk, ordered, translate(error));
    }
  }
  const outcomes: WriteOutcome[] = [];
  // Writes of one record keep their order.
  const isOneByOne = ordered || new Set(chunk.map(({ key }) => JSON.stringify(key))).size < chunk.length;
  if (!isOneByOne) return mapAtOnce(chunk, AT_ONCE, (step) => writeOne(client, table, step, deadline));
  for (const step of chunk) {
    const outcome = await writeOne(client, table, step, deadline);
    outcomes.push(outcome);
    if (ordered && !('key' in outcome)) break;
  }
  return outcomes;
}

const failedAll = (chunk: readonly Prepared[], ordered: boolean, error: MillraceError): WriteOutcome[] =>
  ordered ? [{ error }] : chunk.map(() => ({ error }));

/** All or none. */
export async function writeTransaction(
  client: AzureTablesClient,
  { name }: StoreTable,
  writes: readonly Write[],
  deadline: Deadline,
): Promise<WriteOutcome[]> {
  const steps: Prepared[] = [];
  const actions: TransactionAction[] = [];
  for (const write of writes) {
    const step = prepare(write);
    const action = 'error' in step ? step : await readyAction(client, name, step, deadline);
    if (!Array.isArray(action)) return [...steps.map((step) => succeeded(step)), action as WriteOutcome];
    steps.push(step as Prepared);
    actions.push(action as TransactionAction);
  }
  if (actions.length === 0) return [];
  try {
    await submit(client, name, actions, deadline);
    return steps.map((step) => succeeded(step));
  } catch (error) {
    deadline.throwIfAborted();
    const place = failedPlace(error) ?? (steps.length === 1 ? 0 : undefined);
    const failed = place === undefined ? undefined : steps[place];
    if (!failed) throw translate(error);
    return [...steps.slice(0, place).map((step) => succeeded(step)), failureOf(failed.write, error)];
  }
}

/** What a transaction cannot say is looked at before it: members that go, and the version of a record that goes. */
async function readyAction(
  client: AzureTablesClient,
  table: string,
  step: Prepared,
  deadline: Deadline,
): Promise<TransactionAction | WriteOutcome> {
  const { write } = step;
  if (write.kind === 'delete' && write.version !== undefined) {
    const present = await readEntity(client, table, step.key, deadline);
    if (!present) return { missing: true };
    return present['odata.etag'] === write.version ? actionOf(step) : CHANGED();
  }
  if (!step.takesAway) return actionOf(step);
  const present = await readEntity(client, table, step.key, deadline);
  if (present) return actionOver(step, present);
  return write.kind === 'merge' && write.upsert ? actionOf(step) : { missing: true };
}

async function submit(
  client: AzureTablesClient,
  table: string,
  actions: TransactionAction[],
  deadline: Deadline,
): Promise<void> {
  await client.request(deadline, (abortSignal) => client.table(table).submitTransaction(actions, { abortSignal }));
}
