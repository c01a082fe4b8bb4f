/** Documents that somebody stored for a service, in the place of those that are made (system-api §9). */
import { parse } from 'yaml';
import { MillraceError } from '#common/errors.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import { type Json, METHODS, type PathEntry, type Segment } from './document.ts';

/** @throws MillraceError unavailable where it cannot be read */
export function readStored(content: string, service: Service): Json {
  // What it was stored as says less than how it begins.
  const isJson = content.trimStart().startsWith('{');
  const filled = fillIn(content, service, isJson ? (text) => JSON.stringify(text).slice(1, -1) : (text) => text);
  try {
    const document: unknown = isJson ? JSON.parse(filled) : parse(filled);
    if (typeof document === 'object' && document !== null && !Array.isArray(document)) return document as Json;
  } catch (error) {
    throw unreadable(service, error);
  }
  throw unreadable(service);
}

const unreadable = ({ name }: Service, cause?: unknown): MillraceError =>
  new MillraceError(
    'unavailable',
    `The API document that is stored for the service '${name}' cannot be read.`,
    undefined,
    cause,
  );

/** Is it of OpenAPI 3, and not of an older language? */
export const isOpenApi3 = (document: Json): boolean =>
  typeof document['openapi'] === 'string' && document['openapi'].startsWith('3.');

/** @param written  text as it may stand in the document */
function fillIn(content: string, service: Service, written: (text: string) => string): string {
  const { name, label, description } = service;
  const upper = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
  const values: Readonly<Record<string, string>> = {
    name,
    names: plural(name),
    Name: upper(name),
    Names: upper(plural(name)),
    label,
    description,
  };
  return content.replace(/\{service\.(names?|Names?|label|description)\}/g, (_all, key: string) =>
    written(values[key] ?? ''),
  );
}

function plural(name: string): string {
  if (/[^aeiou]y$/i.test(name)) return `${name.slice(0, -1)}ies`;
  return /(?:s|x|z|ch|sh)$/i.test(name) ? `${name}es` : `${name}s`;
}

/** Its paths, so that those can be left out that the caller may not use. */
export function storedEntries(document: Json): PathEntry[] {
  const paths = document['paths'];
  if (typeof paths !== 'object' || paths === null) return [];
  return Object.entries(paths as Json).flatMap(([path, value]) => {
    if (!path.startsWith('/') || typeof value !== 'object' || value === null) return [];
    const members = Object.entries(value);
    const isOperation = ([key]: [string, unknown]): boolean => METHODS.some((method) => method === key);
    return [
      {
        path,
        segments: path.split('/').filter(Boolean).map(segmentOf),
        item: Object.fromEntries(members.filter((member) => !isOperation(member))),
        operations: Object.fromEntries(members.filter(isOperation)),
      },
    ];
  });
}

function segmentOf(text: string): Segment {
  if (text.includes('{')) return { name: text.replace(/^\{([^{}]*)\}$/, '$1'), description: '' };
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
