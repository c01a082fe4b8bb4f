/**
 * What is stored of a table itself beside its database, and the mark in it: whoever changes a table through us leaves a
 * new one there, which is pushed to all connectors. They read that table again.
 */
import { randomBytes } from 'node:crypto';
import type { SchemaExtra } from '#proto/access/v1/access_pb.ts';
import { parseJson } from '../json.ts';
import { isObject, type Properties } from './extras.ts';

/** Among the properties of a table; shown to nobody. */
export const MARK = 'changed_mark';

export const newMark = (): string => randomBytes(9).toString('base64url');

/** Nothing of a field or a relation. */
export const isOfTable = ({ field, relation }: SchemaExtra): boolean => field === '' && relation === '';

/** Extras are the same objects from push to push, of which there may be ten thousand. */
const read = new WeakMap<SchemaExtra, Properties>();

export function propertiesOf(extra: SchemaExtra): Properties {
  let properties = read.get(extra);
  if (!properties) {
    const value: unknown = extra.propertiesJson.length > 0 ? parseJson(extra.propertiesJson) : {};
    properties = isObject(value) ? value : {};
    read.set(extra, properties);
  }
  return properties;
}

/** By the name of the table. */
export function marksOf(extras: readonly SchemaExtra[]): ReadonlyMap<string, string> {
  const marks = new Map<string, string>();
  for (const extra of extras) {
    if (!isOfTable(extra)) continue;
    const mark = propertiesOf(extra)[MARK];
    if (typeof mark === 'string') marks.set(extra.table, mark);
  }
  return marks;
}
