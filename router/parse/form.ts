/** Form bodies (application/x-www-form-urlencoded): `resource[0][title]=x` names a place in a tree of texts. */
import { MARKUP_DEPTH_MAX } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import { formPairs } from './query.ts';

type Branch = Map<string, string | Branch>;

/**
 * `a[b]=1` is an object in an object, `a[]=1` appends, keys 0, 1, 2, … in order make a list. Of a repeated name the
 * last counts.
 *
 * @throws invalid naming the field that is malformed or nested too deeply
 */
export function parseForm(text: string): unknown {
  const root: Branch = new Map();
  for (const [name, value] of formPairs(text)) place(root, splitName(name), value);
  return root.size === 0 ? {} : toValue(root, false);
}

/** `a[b][]` is a, b and the empty key; brackets that do not add up are part of a plain name. */
function splitName(name: string): string[] {
  const open = name.indexOf('[');
  if (open <= 0 || !name.endsWith(']')) return [name];
  const path = [name.slice(0, open), ...name.slice(open + 1, -1).split('][')];
  if (path.length > MARKUP_DEPTH_MAX) throw invalid(`The form field '${path[0]}' is nested too deeply.`);
  return path;
}

function place(root: Branch, path: readonly string[], value: string): void {
  let branch = root;
  for (const [index, key] of path.entries()) {
    const name = key === '' && index > 0 ? String(branch.size) : key;
    if (index === path.length - 1) {
      branch.set(name, value);
      return;
    }
    const found = branch.get(name);
    const next: Branch = found instanceof Map ? found : new Map();
    branch.set(name, next);
    branch = next;
  }
}

function toValue(node: string | Branch, mayBeList = true): unknown {
  if (typeof node === 'string') return node;
  if (mayBeList && [...node.keys()].every((key, index) => key === String(index))) {
    return [...node.values()].map((item) => toValue(item));
  }
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, item] of node) object[key] = toValue(item);
  return object;
}
