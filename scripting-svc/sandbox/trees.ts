/** Calls that scripts make which have called each other through the API, counted together. */
import { LRUCache } from 'lru-cache';
import { TREE_BYTES, treeOf } from '#common/scripts/tree.ts';

export interface CallTree {
  calls: number;
  /** When the last of its calls would have been due had all been made one after the other; milliseconds. */
  calledUntil: number;
  callsInFlight: number;
  /** Runs that have a place. */
  running: number;
}

export const newTree = (): CallTree => ({ calls: 0, calledUntil: 0, callsInFlight: 0, running: 0 });

/** So many calls of a tree at once, as scripts that are used as they are meant make few; then one after the other. */
const AT_ONCE = 25;
const APART_MS = 2;
/** Who may make very many gets them done within it all the same. */
const ALL_WITHIN_MS = 1_000;

/**
 * Takes the next turn of a tree. A call through the gateway is as cheap as any other, so that one script could keep
 * routers busy for as long as it likes; what it has to wait itself others need not.
 *
 * @param callsMax  of the tree. @param now  milliseconds
 * @returns in how many milliseconds the call is to be made
 */
export function takeTurn(tree: CallTree, callsMax: number, now: number): number {
  const apartMs = Math.min(APART_MS, ALL_WITHIN_MS / callsMax);
  tree.calledUntil = Math.max(tree.calledUntil, now) + apartMs;
  return Math.max(0, tree.calledUntil - now - AT_ONCE * apartMs);
}

/** Of one worker, which counts what passes through it: those that have run their calls for longest are forgotten. */
const TREES_MAX = 10_000;

export class CallTrees {
  readonly #known = new LRUCache<string, CallTree>({ max: TREES_MAX });

  /** @param grant  of the run; one without the name of a tree is a tree of its own */
  of(grant: Uint8Array): CallTree {
    if (grant.length < TREE_BYTES) return newTree();
    const tree = treeOf(grant);
    const name = Buffer.from(tree.buffer, tree.byteOffset, tree.byteLength).toString('latin1');
    let known = this.#known.get(name);
    if (!known) {
      known = newTree();
      this.#known.set(name, known);
    }
    return known;
  }
}
