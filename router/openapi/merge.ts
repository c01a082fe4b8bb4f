/** The parts of several services as one document: paths below each service, names that mean two things told apart. */
import { type ComponentKind, type Components, type Json, joined, type Part, type PathEntry } from './document.ts';

const KINDS: readonly ComponentKind[] = ['responses', 'schemas', 'requestBodies'];
const REF = /^#\/components\/(responses|schemas|requestBodies)\/([^/]+)$/;

export interface NamedPart extends Part {
  /** Of the service: letters, digits, `_` and `-`. */
  readonly name: string;
}

export function mergeParts(
  parts: readonly NamedPart[],
  common: Components,
): { entries: PathEntry[]; components: Required<Components> } {
  let components = joined(common);
  const entries: PathEntry[] = [];
  for (const part of parts) {
    const renamed = collisions(components, part.components);
    const rename = (value: unknown): unknown => withRefs(value, (key) => (renamed.has(key) ? `${part.name}.` : ''));
    const own = Object.fromEntries(
      KINDS.map((kind) => [
        kind,
        Object.fromEntries(
          Object.entries(part.components[kind] ?? {}).map(([name, component]) => [
            renamed.has(`${kind}/${name}`) ? `${part.name}.${name}` : name,
            rename(component),
          ]),
        ),
      ]),
    );
    components = joined(components, own);
    for (const entry of part.entries) {
      entries.push({
        ...entry,
        path: entry.path === '/' ? `/${part.name}` : `/${part.name}${entry.path}`,
        item: rename(entry.item) as Json,
        operations: rename(entry.operations) as PathEntry['operations'],
      });
    }
  }
  return { entries, components };
}

/** `kind/name` of components that are something else there already, and of those that lead to such ones. */
function collisions(present: Required<Components>, own: Components): ReadonlySet<string> {
  const all = KINDS.flatMap((kind) =>
    Object.entries(own[kind] ?? {}).map(([name, component]) => ({ key: `${kind}/${name}`, kind, name, component })),
  );
  const renamed = new Set<string>();
  for (const { key, kind, name, component } of all) {
    const there = present[kind][name];
    if (there !== undefined && JSON.stringify(there) !== JSON.stringify(component)) renamed.add(key);
  }
  for (let before = -1; before !== renamed.size; ) {
    before = renamed.size;
    if (before === 0) break;
    for (const { key, component } of all) {
      if (!renamed.has(key) && refsOf(component).some((each) => renamed.has(each))) renamed.add(key);
    }
  }
  return renamed;
}

function refsOf(value: unknown): string[] {
  const found: string[] = [];
  withRefs(value, (key) => {
    found.push(key);
    return '';
  });
  return found;
}

/** A copy in which each reference to a component has the prefix that is told for it. */
function withRefs(value: unknown, prefixOf: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((each) => withRefs(each, prefixOf));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const [, kind, name] = (key === '$ref' && typeof member === 'string' && REF.exec(member)) || [];
      if (kind === undefined || name === undefined) return [key, withRefs(member, prefixOf)];
      return [key, `#/components/${kind}/${prefixOf(`${kind}/${name}`)}${name}`];
    }),
  );
}
