/** Documents as the client writes them, and entities as they are read, whatever their properties are called. */
import type { TableEntity } from '@azure/data-tables';
import { invalid, type MillraceError } from '#common/errors.ts';
import type { Document, StoredDocument } from '../document.ts';
import { KEY_NAMES } from './keys.ts';
import { documentOf, jsonOf, propertiesOf, type Raw, type Typed, typedOf, typedRaw } from './types.ts';

/** As the store wants them: an identifier of C#. */
const NAME = /^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]{0,254}$/u;
/** Names that mean something else to the client, or to the language. */
const UNSPEAKABLE: ReadonlySet<string> = new Set(['etag', 'timestamp', 'partitionKey', 'rowKey', '__proto__']);
/** The store writes it itself. */
const TIMESTAMP = 'Timestamp';

export type Entity = TableEntity<Record<string, Typed>>;

/** @throws MillraceError invalid that names the field */
export function entityOf([partitionKey, rowKey]: readonly [string, string], members: Document): Entity {
  const properties: Record<string, Typed> = Object.create(null);
  for (const name of namesOf(members)) {
    const typed = typedOf(members[name] ?? null, name);
    if (typed) properties[name] = typed;
  }
  return Object.assign(properties, { partitionKey, rowKey }) as unknown as Entity;
}

/** The names that are not of the key, each of which can be stored. @throws MillraceError invalid that names the field */
export function namesOf(members: Document): string[] {
  const names = Object.keys(members).filter((name) => name !== TIMESTAMP && !KEY_NAMES.includes(name));
  for (const name of names) {
    if (!NAME.test(name)) throw refused(name, 'names are letters, digits and underscores, up to 255');
    if (UNSPEAKABLE.has(name)) throw refused(name, 'the name has another meaning there');
  }
  return names;
}

/** What there is, with some members changed: a merge of the store cannot take one away. */
export function changedEntity(key: readonly [string, string], present: Raw, members: Document): Entity {
  const entity = entityOf(key, members) as unknown as Record<string, Typed>;
  for (const name of propertiesOf(present)) {
    if (KEY_NAMES.includes(name) || name === TIMESTAMP || Object.hasOwn(members, name)) continue;
    if (UNSPEAKABLE.has(name)) throw refused(name, 'the name has another meaning there');
    entity[name] = typedRaw(present, name);
  }
  return entity as unknown as Entity;
}

export function storedOf(raw: Raw): StoredDocument {
  const version = raw['odata.etag'];
  return {
    json: (fields) => Buffer.from(jsonOf(raw, fields)),
    members: () => documentOf(raw),
    ...(typeof version === 'string' && { version }),
  };
}

const refused = (name: string, reason: string): MillraceError =>
  invalid(`The database takes no field '${name}': ${reason}.`, { field: name });
