/**
 * Scripts that call each other through the API: all that began with one script is a tree, and its name stands behind the
 * grant that each of its calls is made with. It decides nothing but what is counted together, so it is not signed.
 */

export const TREE_BYTES = 8;

export const withTree = (note: Uint8Array, tree: Uint8Array): Uint8Array => Buffer.concat([note, tree]);

export const withoutTree = (grant: Uint8Array): Uint8Array => grant.subarray(0, -TREE_BYTES);

export const treeOf = (grant: Uint8Array): Uint8Array => grant.subarray(-TREE_BYTES);
