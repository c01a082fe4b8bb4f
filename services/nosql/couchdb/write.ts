/**
 * Writes through `_bulk_docs`. CouchDB changes a document only for somebody who names its present revision: where the
 * caller names none it is read first, and again where another one was faster.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 } from 'uuid';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { inTime } from '#common/in-time.ts';
import { parseJson } from '#common/json.ts';
import type { Wire } from '../document.ts';
import type { Write, WriteOutcome } from '../engine.ts';
import type { CouchClient } from './client.ts';
import { isRefused, ofDocument, translate } from './errors.ts';
import { allDocs } from './find.ts';
import type { Row } from './rows.ts';
import { bodyOf, requireId, requireMembers, withoutPrototype } from './types.ts';

/** Of one request. */
export const WRITES_MAX = 500;
const REQUEST_BYTES = 4 * 1024 * 1024;
/** Others who write the same document may be faster so many times. */
const ATTEMPTS_MAX = 8;
const PAUSE_MS = 10;

/** A write whose parts have been looked at. */
interface Change {
  readonly id: string;
  readonly write: Write;
  /** The revision that the caller names. */
  readonly rev: string | undefined;
}

interface Result {
  readonly ok?: boolean;
  readonly rev?: string;
  readonly error?: string;
  readonly reason?: string;
}

/** Where the writes of a request are done. */
interface Place {
  readonly client: CouchClient;
  readonly table: string;
  readonly deadline: Deadline;
}

export async function write(
  client: CouchClient,
  table: string,
  writes: readonly Write[],
  ordered: boolean,
  deadline: Deadline,
): Promise<WriteOutcome[]> {
  const place = { client, table, deadline };
  const outcomes: WriteOutcome[] = [];
  const changes = writes.map(changeOf);
  for (let at = 0; at < changes.length; ) {
    const group = groupAt(changes, at, ordered);
    at += group.length;
    const done = await writeGroup(place, group);
    const failed = ordered ? done.findIndex((outcome) => 'error' in outcome) : -1;
    outcomes.push(...(failed < 0 ? done : done.slice(0, failed + 1)));
    if (failed < 0) continue;
    await takeBack(place, done.slice(failed + 1));
    break;
  }
  return outcomes;
}

function changeOf(write: Write): Change | MillraceError {
  try {
    const members = write.kind === 'delete' ? {} : write.kind === 'merge' ? write.members : write.document;
    requireMembers(members);
    // As CouchDB makes them, and in the order in which they were made: neighbours in its tree.
    if (write.kind === 'insert')
      return { id: requireId(members['_id'] ?? v7().replaceAll('-', '')), write, rev: undefined };
    const named = write.anyVersion ? undefined : (members['_rev'] as string | undefined);
    return { id: requireId(write.key[0]), write, rev: write.version ?? named };
  } catch (error) {
    return MillraceError.from(error);
  }
}

/**
 * What may be sent together: a document once, and where the order counts only new ones, of which those behind one that
 * failed can be taken back.
 */
function groupAt(
  changes: readonly (Change | MillraceError)[],
  from: number,
  ordered: boolean,
): (Change | MillraceError)[] {
  const ids = new Set<string>();
  let at = from;
  for (; at < changes.length && at - from < WRITES_MAX; at++) {
    const change = changes[at]!;
    if (change instanceof MillraceError) {
      if (ordered) return changes.slice(from, at + 1);
      continue;
    }
    if (ids.has(change.id) || (ordered && at > from && change.write.kind !== 'insert')) break;
    ids.add(change.id);
    if (ordered && change.write.kind !== 'insert') return changes.slice(from, at + 1);
  }
  return changes.slice(from, at);
}

async function writeGroup(place: Place, group: readonly (Change | MillraceError)[]): Promise<WriteOutcome[]> {
  const outcomes: WriteOutcome[] = group.map((change) => ({ error: change as MillraceError }));
  let open = [...group.keys()].filter((index) => !(group[index] instanceof MillraceError));
  for (let attempt = 1; open.length > 0; attempt++) {
    const changes = open.map((index) => group[index] as Change);
    const done = await attemptOf(place, changes, attempt === ATTEMPTS_MAX);
    open.forEach((index, position) => {
      outcomes[index] = done[position] ?? { missing: true };
    });
    open = open.filter((_, position) => done[position] === undefined);
    if (open.length > 0) await inTime(sleep(Math.random() * PAUSE_MS * 2 ** attempt), place.deadline);
  }
  return outcomes;
}

/** undefined in place of an outcome: another one was faster, it may be tried again. */
async function attemptOf(
  place: Place,
  changes: readonly Change[],
  isLast: boolean,
): Promise<(WriteOutcome | undefined)[]> {
  const present = await presentOf(place, changes.filter(needsPresent), changes.some(needsDocument));
  const outcomes: (WriteOutcome | undefined)[] = changes.map((change) =>
    isGone(change, present.get(change.id)) ? { missing: true } : undefined,
  );
  const sent = changes.filter((_, index) => outcomes[index] === undefined);
  const bodies = sent.map((change) => textOf(change, present.get(change.id)));
  const results = await sendAll(place, bodies);
  const conflicts = sent.filter((_, index) => isConflict(results[index]));
  const now = await presentOf(place, conflicts, false);

  const done = sent.map((change, index): WriteOutcome | undefined => {
    const result = results[index]!;
    if (result instanceof MillraceError) return { error: result };
    if (result.ok && result.rev !== undefined) {
      const isNew = change.rev === undefined && !present.has(change.id);
      return { key: keyOf(change.id, result.rev), created: isNew };
    }
    if (!isConflict(result)) return { error: ofDocument(result.error ?? '', result.reason ?? '') };
    return ofConflict(change, now.get(change.id), isLast);
  });
  let next = 0;
  return outcomes.map((outcome) => outcome ?? done[next++]);
}

function ofConflict(change: Change, now: Row | undefined, isLast: boolean): WriteOutcome | undefined {
  if (change.write.kind === 'insert') {
    return { error: conflict(`A record with the identifier '${change.id}' already exists.`, now) };
  }
  if (change.rev !== undefined) {
    if (!now && !isUpsert(change.write)) return { missing: true };
    return { error: conflict(`The record is not of revision '${change.rev}': it has been changed.`, now) };
  }
  return isLast ? { error: conflict('The record is being changed by others all the time.', now, true) } : undefined;
}

const isConflict = (result: Result | MillraceError | undefined): boolean =>
  result !== undefined && !(result instanceof MillraceError) && result.error === 'conflict';

/** With the present revision: whoever sends that one is heard. */
const conflict = (message: string, now: Row | undefined, isRetryable = false): MillraceError =>
  new MillraceError('conflict', message, {
    ...(now && { _id: now.id, _rev: now.rev }),
    ...(isRetryable && { retryable: true }),
  });

const isUpsert = (write: Write): boolean => (write.kind === 'replace' || write.kind === 'merge') && write.upsert;

/** A revision that the caller names stands for what is there: the store compares it. */
const needsPresent = ({ write, rev }: Change): boolean =>
  write.kind !== 'insert' && (rev === undefined || write.kind === 'merge');
const needsDocument = ({ write }: Change): boolean => write.kind === 'merge';

const isGone = (change: Change, row: Row | undefined): boolean =>
  needsPresent(change) && row === undefined && !(isUpsert(change.write) && change.rev === undefined);

async function presentOf(
  { client, table, deadline }: Place,
  changes: readonly Change[],
  withDocuments: boolean,
): Promise<Map<string, Row>> {
  if (changes.length === 0) return new Map();
  const ids = changes.map(({ id }) => id);
  const { rows } = await allDocs(client, table, { include_docs: withDocuments }, deadline, ids);
  return new Map(rows.flatMap((row) => (row ? [[row.id, row]] : [])));
}

function textOf({ id, write, rev }: Change, row: Row | undefined): string {
  const known = rev ?? row?.rev;
  const own = { _id: id, ...(known !== undefined && { _rev: known }) };
  switch (write.kind) {
    case 'insert':
      return bodyOf({ _id: id }, withoutRev(write.document));
    case 'replace':
      return bodyOf(own, withoutRev(write.document));
    case 'merge':
      return bodyOf(own, withoutRev({ ...row?.document?.members(), ...write.members }));
    case 'delete':
      return bodyOf({ ...own, _deleted: true }, {});
  }
}

const withoutRev = (members: Readonly<Record<string, Wire>>): Readonly<Record<string, Wire>> =>
  '_rev' in members ? withoutPrototype(Object.entries(members).filter(([name]) => name !== '_rev')) : members;

/** In requests that are not too large. */
async function sendAll(place: Place, bodies: readonly string[]): Promise<(Result | MillraceError)[]> {
  const results: (Result | MillraceError)[] = [];
  for (let from = 0; from < bodies.length; ) {
    let to = from;
    for (let length = 0; to < bodies.length && (to === from || length + bodies[to]!.length < REQUEST_BYTES); to++) {
      length += bodies[to]!.length;
    }
    results.push(...(await send(place, bodies.slice(from, to))));
    from = to;
  }
  return results;
}

/** A document that the store does not take makes it refuse the whole request: it is found by halving. */
async function send(place: Place, bodies: readonly string[]): Promise<(Result | MillraceError)[]> {
  const { client, table, deadline } = place;
  try {
    const body = `{"docs":[${bodies.join(',')}]}`;
    const answer = await client.send({ method: 'POST', path: [table, '_bulk_docs'], body, isRead: false }, deadline);
    return parseJson(answer) as Result[];
  } catch (error) {
    if (!isRefused(error)) throw error;
    if (bodies.length === 1) return [translate(error)];
    const half = Math.ceil(bodies.length / 2);
    return [...(await send(place, bodies.slice(0, half))), ...(await send(place, bodies.slice(half)))];
  }
}

/** New documents behind the one at which a row of writes ended. */
async function takeBack(place: Place, outcomes: readonly WriteOutcome[]): Promise<void> {
  const bodies = outcomes.flatMap((outcome) =>
    'key' in outcome ? [bodyOf({ ...outcome.key, _deleted: true }, {})] : [],
  );
  await sendAll(place, bodies);
}

const keyOf = (id: string, rev: string) =>
  withoutPrototype([
    ['_id', id],
    ['_rev', rev],
  ]);
