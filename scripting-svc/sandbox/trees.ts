/** Calls that scripts make which have called each other through the API, counted together. */
import { LRUCache } from 'lru-cache';
import { TREE_BYTES, treeOf } from '#common/scripts/tree.ts';

export interface CallTree {
  calls: number;
  callsInFlight: number;
  /** Runs that have a place. */
  running: number;
}

const newTree = (): CallTree => ({ calls: 0, callsInFlight: 0, running: 0 });

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
