/** Writes to Azure Tables: those of one partition in one transaction, each other one by itself. */
import type { TransactionAction } from '@azure/data-tables';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { mapAtOnce } from '../at-once.ts';
import type { Document } from '../document.ts';
import type { Write, WriteOutcome } from '../engine.ts';
import { predicateOf } from '../residual/evaluate.ts';
import { overloaded, pauses, wait } from '../throttling.ts';
import type { AzureClient } from './client.ts';
import { isChanged, isMissing, placeOf, translate } from './errors.ts';
import { keyIn, keyOf } from './request.ts';
import { type Entity, entityOf, PARTITION_KEY, type ReadEntity, ROW_KEY } from './types.ts';

/** What one entity group transaction takes. */
export const TRANSACTION_MAX = 100;
const AT_ONCE = 16;
/** Of its entities; it has 4 MiB in all, and characters have up to three bytes. */
const TRANSACTION_BYTES_MAX = 1_200_000;

interface Key {
  readonly partitionKey: string;
  readonly rowKey: string;
}

interface Prepared {
  readonly write: Write;
  readonly key: Key;
  readonly entity: Entity;
  readonly index: number;
}

export class AzureWriter {
  readonly #client: AzureClient;
  readonly #table: string;
  readonly #deadline: Deadline;

  constructor(client: AzureClient, table: string, deadline: Deadline) {
    this.#client = client;
    this.#table = table;
    this.#deadline = deadline;
  }

  async writeAll(writes: readonly Write[], ordered: boolean): Promise<WriteOutcome[]> {
    if (ordered) return this.#inOrder(writes);
    const outcomes = new Array<WriteOutcome>(writes.length);
    const ready = writes.flatMap((write, index) => {
      const found = prepared(write, index);
      if (!('error' in found)) return [found];
      outcomes[index] = found;
      return [];
    });
    const work = groupsOf(ready).map((group) => () => this.#group(group, outcomes));
    await mapAtOnce(work, AT_ONCE, (run) => run());
    return outcomes;
  }

  /** All or none. */
  async writeTogether(writes: readonly Write[]): Promise<WriteOutcome[]> {
    const ready: Prepared[] = [];
    const actions: TransactionAction[] = [];
    const done = (count: number): WriteOutcome[] => ready.slice(0, count).map(succeeded);
    for (const [index, write] of writes.entries()) {
      const one = prepared(write, index);
      if ('error' in one) return [...done(index), one];
      const action = isPlain(one) ? actionOf(one) : await this.#guardedAction(one);
      if (!Array.isArray(action)) return [...done(index), action as WriteOutcome];
      ready.push(one);
      actions.push(action as TransactionAction);
    }
    try {
      await this.#submit(actions);
      return done(ready.length);
    } catch (error) {
      this.#deadline.throwIfAborted();
      const at = placeOf(error);
      const failed = at === undefined ? undefined : ready[at];
      if (at === undefined || !failed) throw translate(error);
      return [...done(at), failureOf(failed.write, error)];
    }
  }

  /** Ends behind the first that fails; one that is missing is no failure here. */
  async #inOrder(writes: readonly Write[]): Promise<WriteOutcome[]> {
    const all = writes.map(prepared);
    const bad = all.findIndex((one) => 'error' in one);
    const outcomes: WriteOutcome[] = [];
    for (const run of runsOf((bad < 0 ? all : all.slice(0, bad)) as Prepared[])) {
      if (run.length > 1 && (await this.#together(run, outcomes))) continue;
      for (const one of run) {
        const outcome = outcomes[one.index] ?? (await this.#one(one));
        outcomes[one.index] = outcome;
        if ('error' in outcome) return outcomes.slice(0, one.index + 1);
      }
    }
    return bad < 0 ? outcomes : [...outcomes, all[bad] as { readonly error: MillraceError }];
  }

  /** What is refused in company is sent again alone, so that a bad one fails alone. */
  async #group(group: readonly Prepared[], outcomes: WriteOutcome[]): Promise<void> {
    if (group.length > 1 && !isOfOneEntity(group) && group.every(isCompanion)) {
      if (await this.#together(group, outcomes)) return;
      const left = group.filter(({ index }) => !outcomes[index]);
      await mapAtOnce(left, AT_ONCE, async (one) => {
        outcomes[one.index] = await this.#one(one);
      });
      return;
    }
    for (const one of group) outcomes[one.index] = await this.#one(one);
  }

  /** @returns false where one of them is refused, or all fail for another reason, which is then their outcome */
  async #together(group: readonly Prepared[], outcomes: WriteOutcome[]): Promise<boolean> {
    try {
      await this.#submit(group.map(actionOf));
      for (const one of group) outcomes[one.index] = succeeded(one);
      return true;
    } catch (error) {
      this.#deadline.throwIfAborted();
      const failure = translate(error);
      if (!['invalid', 'conflict', 'not_found'].includes(failure.code)) {
        for (const { index } of group) outcomes[index] = { error: failure };
      }
      return false;
    }
  }

  async #submit(actions: TransactionAction[]): Promise<void> {
    await this.#client.request(this.#deadline, (abortSignal) =>
      this.#client.table(this.#table).submitTransaction(actions, { abortSignal }),
    );
  }

  /** @throws MillraceError when nobody waits any longer */
  async #one(one: Prepared): Promise<WriteOutcome> {
    try {
      if (!isCompanion(one)) return await this.#guarded(one);
      await this.#send(actionOf(one));
      return succeeded(one);
    } catch (error) {
      this.#deadline.throwIfAborted();
      return failureOf(one.write, error);
    }
  }

  #send(action: TransactionAction): Promise<unknown> {
    const table = this.#client.table(this.#table);
    return this.#client.request<unknown>(this.#deadline, async (abortSignal) => {
      const [kind, entity, mode, options] = action as [string, Key & Entity, 'Merge' | 'Replace', { etag?: string }];
      switch (kind) {
        case 'create':
          return table.createEntity(entity, { abortSignal });
        case 'upsert':
          return table.upsertEntity(entity, mode, { abortSignal });
        case 'update':
          return table.updateEntity(entity, mode, { abortSignal, ...options });
        default:
          return table.deleteEntity(entity.partitionKey, entity.rowKey, { abortSignal });
      }
    });
  }

  /** What Azure has no condition for: read, decided here, and written only where nobody has changed it meanwhile. */
  async #guarded(one: Prepared): Promise<WriteOutcome> {
    const { write, key } = one;
    const nextPause = pauses(this.#deadline);
    for (;;) {
      const action = await this.#guardedAction(one);
      if (!Array.isArray(action)) return action as WriteOutcome;
      try {
        if (action[0] === 'delete') await this.#delete(key, (action[2] as { readonly etag: string }).etag);
        else await this.#send(action as unknown as TransactionAction);
        return { key: documentKey(key), created: action[0] === 'create' };
      } catch (error) {
        if (isMissing(error) && write.kind === 'delete') return { missing: true };
        if (!(isChanged(error) || isMissing(error)) || isVersioned(write)) throw error;
      }
      const pause = nextPause();
      if (pause === undefined) throw overloaded();
      await wait(pause, this.#deadline);
    }
  }

  #delete({ partitionKey, rowKey }: Key, etag: string): Promise<unknown> {
    const table = this.#client.table(this.#table);
    return this.#client.request(this.#deadline, (abortSignal) =>
      table.deleteEntity(partitionKey, rowKey, { abortSignal, etag }),
    );
  }

  /** The write with the ETag for which its conditions hold, or what becomes of it without. */
  async #guardedAction({ write, key, entity }: Prepared): Promise<readonly unknown[] | WriteOutcome> {
    const found = await this.#find(key);
    if (!found) {
      const isMade = (write.kind === 'replace' || write.kind === 'merge') && write.upsert && !isVersioned(write);
      return isMade ? ['create', { ...entity, ...key }] : { missing: true };
    }
    if (write.kind === 'insert') return ['create', { ...entity, ...key }];
    if (write.version !== undefined && write.version !== found.etag) return { error: changed() };
    if (write.onlyIf && !predicateOf(write.onlyIf, false)(found.members)) return { missing: true };
    const etag = found.etag ?? '*';
    if (write.kind === 'delete') return ['delete', key, { etag }];
    const whole = write.kind === 'merge' ? { ...entityOf(without(found.members, write.members)), ...entity } : entity;
    return ['update', { ...whole, ...key }, 'Replace', { etag }];
  }

  async #find(key: Key): Promise<ReadEntity | undefined> {
    try {
      return await this.#client.getEntity(this.#table, key, undefined, this.#deadline);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }
}

function prepared(write: Write, index: number): Prepared | { readonly error: MillraceError } {
  try {
    const key = write.kind === 'insert' ? keyIn(write.document) : keyOf(write.key);
    const document = write.kind === 'delete' ? {} : write.kind === 'merge' ? write.members : write.document;
    return { write, key, entity: entityOf(document), index };
  } catch (error) {
    return { error: MillraceError.from(error) };
  }
}

/** Writes of one partition that may go together; those of one entity stay together in their order. */
function groupsOf(ready: readonly Prepared[]): Prepared[][] {
  const byEntity = groupedBy(ready, ({ key }) => JSON.stringify([key.partitionKey, key.rowKey]));
  const isFree = (same: readonly Prepared[]): boolean => same.length === 1 && same.every(isCompanion);
  const byPartition = groupedBy(byEntity.filter(isFree).flat(), ({ key }) => key.partitionKey);
  return [...byEntity.filter((same) => !isFree(same)), ...byPartition.flatMap(runsOf)];
}

function groupedBy(all: readonly Prepared[], nameOf: (one: Prepared) => string): Prepared[][] {
  const groups = new Map<string, Prepared[]>();
  for (const one of all) {
    const group = groups.get(nameOf(one));
    if (group) group.push(one);
    else groups.set(nameOf(one), [one]);
  }
  return [...groups.values()];
}

/** In their order, each as many as one transaction takes, or one. */
function runsOf(all: readonly Prepared[]): Prepared[][] {
  const runs: Prepared[][] = [];
  let run: Prepared[] = [];
  let rows = new Set<string>();
  let bytes = 0;
  for (const one of all) {
    const size = JSON.stringify(one.entity).length;
    const [first] = run;
    const isNext =
      first !== undefined &&
      isCompanion(first) &&
      isCompanion(one) &&
      first.key.partitionKey === one.key.partitionKey &&
      !rows.has(one.key.rowKey) &&
      run.length < TRANSACTION_MAX &&
      bytes + size < TRANSACTION_BYTES_MAX;
    if (!isNext) {
      [run, rows, bytes] = [[], new Set(), 0];
      runs.push(run);
    }
    run.push(one);
    rows.add(one.key.rowKey);
    bytes += size;
  }
  return runs;
}

/** In a transaction it does the same, and what it did is known: an upsert does not tell whether it made one. */
const isCompanion = (one: Prepared): boolean => isPlain(one) && !isUpsert(one.write);

const isUpsert = (write: Write): boolean => (write.kind === 'replace' || write.kind === 'merge') && write.upsert;

/** As `groupsOf` makes them: a group with two writes of one entity has no others. */
const isOfOneEntity = ([first, second]: readonly Prepared[]): boolean =>
  first?.key.partitionKey === second?.key.partitionKey && first?.key.rowKey === second?.key.rowKey;

/** One request does it. Merging cannot take a value away. */
function isPlain({ write }: Prepared): boolean {
  if (write.kind === 'insert') return true;
  if (write.onlyIf !== undefined || write.version !== undefined) return false;
  return write.kind !== 'merge' || !Object.values(write.members).includes(null);
}

const isVersioned = (write: Write): boolean => write.kind !== 'insert' && write.version !== undefined;

function actionOf({ write, key, entity }: Prepared): TransactionAction {
  const whole = { ...entity, ...key };
  switch (write.kind) {
    case 'insert':
      return ['create', whole];
    case 'replace':
      return write.upsert ? ['upsert', whole, 'Replace'] : ['update', whole, 'Replace', { etag: '*' }];
    case 'merge':
      return write.upsert ? ['upsert', whole, 'Merge'] : ['update', whole, 'Merge', { etag: '*' }];
    case 'delete':
      return ['delete', { ...key }];
  }
}

const without = (members: Document, others: Document): Document =>
  Object.fromEntries(Object.entries(members).filter(([name]) => !Object.hasOwn(others, name)));

const documentKey = ({ partitionKey, rowKey }: Key): Document => ({ [PARTITION_KEY]: partitionKey, [ROW_KEY]: rowKey });

const succeeded = ({ write, key }: Prepared): WriteOutcome => ({
  key: documentKey(key),
  created: write.kind === 'insert',
});

const failureOf = (write: Write, error: unknown): WriteOutcome =>
  isMissing(error) && write.kind !== 'insert' ? { missing: true } : { error: translate(error) };

const changed = (): MillraceError =>
  new MillraceError('conflict', 'The record is not the one that was meant: it has been changed.');
