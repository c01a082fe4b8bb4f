/** Members of members, by a name with dots. A member whose own name has the dots comes first. */
import { JsonNumber } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';
import { isList } from './compare.ts';

export type Get = (document: Document) => Wire | undefined;

/** @param elements  a name behind a list is one of each of its elements: the values come as a list */
export function getter(field: string, elements: boolean): Get {
  const isOwn = (document: Document): boolean => Object.hasOwn(document, field);
  if (!field.includes('.')) return (document) => (isOwn(document) ? document[field] : undefined);
  const names = field.split('.');
  return (document) => (isOwn(document) ? document[field] : walk(document, names, 0, elements));
}

function walk(value: Wire | undefined, names: readonly string[], at: number, elements: boolean): Wire | undefined {
  const name = names[at];
  if (name === undefined) return value;
  if (value === null || typeof value !== 'object' || value instanceof JsonNumber) return undefined;
  if (!isList(value)) return Object.hasOwn(value, name) ? walk(value[name], names, at + 1, elements) : undefined;
  if (/^\d+$/.test(name)) return walk(value[Number(name)], names, at + 1, elements);
  if (!elements) return undefined;
  const found = value.flatMap((one) => {
    const inner = walk(one, names, at, elements);
    return inner === undefined ? [] : inner;
  });
  return found.length > 0 ? found : undefined;
}
