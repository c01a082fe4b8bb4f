/** Writes before they are sent: what is wrong with them already, and which may travel together. */
import { MIB } from '#common/bounds.ts';
import { MillraceError } from '#common/errors.ts';
import type { Document } from '../document.ts';
import type { Write } from '../engine.ts';
import { type Entity, entityOf, namesOf } from './entity.ts';
import { keyIn, keyPair } from './keys.ts';

/** What one transaction takes. */
export const TRANSACTION_MAX = 100;
/** Of its body, which may have 4 MiB with all that stands around the entities. */
const TRANSACTION_BYTES_MAX = 3 * MIB;

export interface Prepared {
  readonly write: Write;
  readonly key: readonly [string, string];
  /** Of all but deletions. */
  readonly entity: Entity;
  readonly bytes: number;
  /** A merge with members that become null, which the store has no word for. */
  readonly takesAway: boolean;
}

export type Step = Prepared | { readonly error: MillraceError };

export function prepare(write: Write): Step {
  try {
    const members = membersOf(write);
    const key = write.kind === 'insert' ? keyIn(write.document) : keyPair(write.key);
    const entity = entityOf(key, members);
    return {
      ...{ write, key, entity },
      bytes: Buffer.byteLength(JSON.stringify(entity)),
      takesAway: write.kind === 'merge' && namesOf(members).some((name) => (members[name] ?? null) === null),
    };
  } catch (error) {
    return { error: MillraceError.from(error) };
  }
}

function membersOf(write: Write): Document {
  switch (write.kind) {
    case 'merge':
      return write.members;
    case 'delete':
      return {};
    default:
      return write.document;
  }
}

/** Whether it means the same in a transaction, and can be told apart there from others. */
export function isBatchable({ write, takesAway }: Prepared): boolean {
  switch (write.kind) {
    case 'insert':
      return true;
    case 'delete':
      return write.version === undefined;
    default:
      // Of what is made where there is none nobody would know whether it was.
      return !write.upsert && !takesAway;
  }
}

/** Those that share a partition and are of different records; all others alone, or with those of their record. */
export function chunksByPartition(steps: readonly Prepared[]): Prepared[][] {
  const groups = groupsBy(steps, ({ key }) => JSON.stringify(key));
  const isCompanion = (group: Prepared[]): boolean => group.length === 1 && group.every(isBatchable);
  const partitions = groupsBy(groups.filter(isCompanion).flat(), ({ key }) => key[0]);
  return [...partitions.flatMap(runsInOrder), ...groups.filter((group) => !isCompanion(group))];
}

function groupsBy(steps: readonly Prepared[], nameOf: (step: Prepared) => string): Prepared[][] {
  const groups = new Map<string, Prepared[]>();
  for (const step of steps) {
    const group = groups.get(nameOf(step));
    if (group) group.push(step);
    else groups.set(nameOf(step), [step]);
  }
  return [...groups.values()];
}

/** In the order that they have: as many at a time as a transaction takes. */
export function runsInOrder(steps: readonly Prepared[]): Prepared[][] {
  const runs: Prepared[][] = [];
  let run: Prepared[] = [];
  let rows = new Set<string>();
  let bytes = 0;
  for (const step of steps) {
    const [first] = run;
    const fits =
      first !== undefined &&
      isBatchable(first) &&
      isBatchable(step) &&
      step.key[0] === first.key[0] &&
      !rows.has(step.key[1]) &&
      run.length < TRANSACTION_MAX &&
      bytes + step.bytes <= TRANSACTION_BYTES_MAX;
    if (!fits) {
      run = [];
      rows = new Set();
      bytes = 0;
      runs.push(run);
    }
    run.push(step);
    rows.add(step.key[1]);
    bytes += step.bytes;
  }
  return runs;
}
