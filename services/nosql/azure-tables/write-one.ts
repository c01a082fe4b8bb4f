/** One write to Azure Tables, as a request of its own or as a part of a transaction. */
import type { TransactionAction } from '@azure/data-tables';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { Document } from '../document.ts';
import type { Write, WriteOutcome } from '../engine.ts';
import type { AzureTablesClient } from './client.ts';
import { changedEntity } from './entity.ts';
import { isChanged, isMissing, isThere, translate } from './errors.ts';
import { keyDocument } from './keys.ts';
import type { Prepared } from './prepare.ts';
import type { Raw } from './types.ts';

/** Others who write the same record at the same time: each time one of them gets through. */
const ROUNDS_MAX = 20;
/** Whatever the present state is. */
const ANY = '*';

type Mode = 'Merge' | 'Replace';

export const succeeded = ({ write, key }: Prepared, created = write.kind === 'insert'): WriteOutcome => ({
  key: keyDocument(key),
  created,
});

export const CHANGED = (cause?: unknown): { readonly error: MillraceError } => ({
  error: new MillraceError('conflict', 'Somebody else has changed the record. Read it again.', undefined, cause),
});

/** What a failure means for the write that met it. */
export function failureOf(write: Write, thrown: unknown): WriteOutcome {
  if (write.kind !== 'insert' && isMissing(thrown)) return { missing: true };
  return isChanged(thrown) ? CHANGED(thrown) : { error: translate(thrown) };
}

export function actionOf({ write, key: [partitionKey, rowKey], entity }: Prepared): TransactionAction {
  switch (write.kind) {
    case 'insert':
      return ['create', entity];
    case 'delete':
      return ['delete', { partitionKey, rowKey }];
    default:
      return write.upsert && write.version === undefined
        ? ['upsert', entity, modeOf(write)]
        : ['update', entity, modeOf(write), { etag: write.version ?? ANY }];
  }
}

/** A merge that takes members away. */
export function actionOver({ write, key }: Prepared, present: Raw): TransactionAction {
  const { version } = write as Write & { kind: 'merge' };
  const etag = version ?? String(present['odata.etag']);
  return ['update', changedEntity(key, present, membersOf(write)), 'Replace', { etag }];
}

const modeOf = ({ kind }: Write): Mode => (kind === 'merge' ? 'Merge' : 'Replace');

/** An entity as it was sent: what the client makes of it depends on what its properties are called. */
export async function readEntity(
  client: AzureTablesClient,
  table: string,
  [partition, row]: readonly [string, string],
  deadline: Deadline,
  select?: readonly string[],
): Promise<Raw | undefined> {
  let text = '';
  const options = {
    disableTypeConversion: true,
    ...(select && { queryOptions: { select: [...select] } }),
    onResponse: ({ bodyAsText }: { bodyAsText?: string | null }) => {
      text = bodyAsText ?? '';
    },
  };
  try {
    await client.request(deadline, (abortSignal) =>
      client.table(table).getEntity(partition, row, { ...options, abortSignal }),
    );
  } catch (error) {
    deadline.throwIfAborted();
    if (isMissing(error)) return undefined;
    throw translate(error);
  }
  return JSON.parse(text) as Raw;
}

/** @throws MillraceError when nobody waits any longer */
export async function writeOne(
  client: AzureTablesClient,
  table: string,
  step: Prepared,
  deadline: Deadline,
): Promise<WriteOutcome> {
  try {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const outcome = await tryOnce(client, table, step, deadline);
      if (outcome) return outcome;
    }
    return CHANGED();
  } catch (error) {
    deadline.throwIfAborted();
    return failureOf(step.write, error);
  }
}

/** @returns undefined where somebody else has been faster, and it may be tried again */
async function tryOnce(
  client: AzureTablesClient,
  table: string,
  step: Prepared,
  deadline: Deadline,
): Promise<WriteOutcome | undefined> {
  const { write, key } = step;
  if (write.kind === 'insert') return create(client, table, step, deadline);
  if (write.kind === 'delete') {
    const etag = write.version ?? ANY;
    await client.request(deadline, (abortSignal) => client.table(table).deleteEntity(...key, { etag, abortSignal }));
    return succeeded(step);
  }
  try {
    if (await change(client, table, step, deadline)) return succeeded(step);
  } catch (error) {
    if (step.takesAway && write.version === undefined && isChanged(error)) return undefined;
    if (!write.upsert || !isMissing(error)) throw error;
  }
  if (!write.upsert) return { missing: true };
  if (write.version !== undefined) return CHANGED();
  return create(client, table, step, deadline).catch((error: unknown) => {
    if (!isThere(error)) throw error;
    return undefined;
  });
}

async function create(
  client: AzureTablesClient,
  table: string,
  step: Prepared,
  deadline: Deadline,
): Promise<WriteOutcome> {
  const { entity } = step;
  await client.request(deadline, (abortSignal) => client.table(table).createEntity(entity, { abortSignal }));
  return succeeded(step, true);
}

/** @returns whether there was something to change, where that can be seen without failing */
async function change(client: AzureTablesClient, table: string, step: Prepared, deadline: Deadline): Promise<boolean> {
  const { write, key, entity } = step;
  const present = step.takesAway ? await readEntity(client, table, key, deadline) : undefined;
  if (step.takesAway && !present) return false;
  const { version } = write as Write & { kind: 'merge' };
  const [what, mode, etag] = present
    ? [changedEntity(key, present, membersOf(write)), 'Replace' as const, version ?? String(present['odata.etag'])]
    : [entity, modeOf(write), version ?? ANY];
  await client.request(deadline, (abortSignal) => client.table(table).updateEntity(what, mode, { etag, abortSignal }));
  return true;
}

const membersOf = (write: Write): Document => (write.kind === 'merge' ? write.members : {});
