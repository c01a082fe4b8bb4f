/** Documents are made as OpenAPI 3.1; this says the same in 3.0. */
import { invalid } from '#common/errors.ts';
import type { Json } from './document.ts';

export type Version = '3.0' | '3.1';

/** Of the option `openapi`. @throws MillraceError invalid */
export function versionOf(option: string | undefined): Version {
  if (option === undefined || option === '' || /^3\.1(?:\.\d+)?$/.test(option)) return '3.1';
  if (/^3\.0(?:\.\d+)?$/.test(option)) return '3.0';
  throw invalid("The option 'openapi' is 3.0 or 3.1.", { field: 'openapi' });
}

/** As the documents of the original are marked, and the first of the new ones. */
export const NUMBERS: Readonly<Record<Version, string>> = { '3.0': '3.0.0', '3.1': '3.1.0' };

/** Lists of types are what differs: 3.0 knows one type, and whether there may be nothing. */
export function inVersion<T>(value: T, version: Version): T {
  return version === '3.1' ? value : (older(value) as T);
}

function older(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(older);
  if (typeof value !== 'object' || value === null) return value;
  const members: Json = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, older(member)]));
  const { type, items, ...rest } = members;
  if (!Array.isArray(type)) return members;
  const types = type.filter((each) => each !== 'null');
  const nullable = types.length < type.length ? { nullable: true } : {};
  const one = (each: unknown): Json => ({ type: each, ...(each === 'array' && { items: items ?? {} }) });
  if (types.length === 1) return { ...one(types[0]), ...nullable, ...rest };
  return { ...rest, anyOf: types.map((each) => ({ ...one(each), ...nullable })) };
}
