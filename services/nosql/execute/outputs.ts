/** Which members of a document come back, and under which names. */
import { stringifyJson } from '#common/json.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { keyFieldsIfAny } from '#common/schema/find.ts';
import { Selection_Kind as Kind, type Selection } from '#proto/data/v1/data_pb.ts';
import type { Document, StoredDocument, Wire } from '../document.ts';
import { getter } from '../residual/path.ts';

export interface Outputs {
  /** What has to be read of a document; undefined: all. */
  readonly fields: readonly string[] | undefined;
  /** Only what identifies the document. */
  readonly isKey: boolean;
  json(document: StoredDocument): Uint8Array;
}

/** @param extra  fields that are read and shown as well, where not all are */
export function outputsOf(
  selection: Selection | undefined,
  table: TableView,
  idField: readonly string[],
  extra: readonly FieldView[] = [],
): Outputs {
  const kind = selection?.kind ?? Kind.ALL;
  const renamed = table.fields.filter(({ alias }) => alias !== null);
  if (kind === Kind.ALL) {
    const json = renamed.length === 0 ? plain : (one: StoredDocument) => renaming(one.members(), renamed);
    return { fields: undefined, isKey: false, json };
  }
  const keys = kind === Kind.KEY ? keyFieldsIfAny(table, idField).map(({ wireName }) => wireName) : [];
  const listed = kind === Kind.KEY ? keys : (selection?.names ?? []);
  const names = [...new Set([...listed, ...extra.map(({ wireName }) => wireName)])];
  const stored = names.map((name) => table.byFieldWireName.get(name)?.name ?? name);
  const isPlain = renamed.length === 0 && !names.some((name) => name.includes('.'));
  return {
    fields: stored,
    isKey: kind === Kind.KEY && extra.length === 0 && isPrimary(stored, table),
    json: isPlain ? (one) => one.json(stored) : (one) => picked(one.members(), names, stored),
  };
}

const plain = (document: StoredDocument): Uint8Array => document.json();

const isPrimary = (names: readonly string[], { table }: TableView): boolean =>
  names.length === table.primaryKey.length && names.every((name) => table.primaryKey.includes(name));

function renaming(members: Document, renamed: readonly FieldView[]): Uint8Array {
  const names = new Map(renamed.map((field) => [field.name, field.wireName]));
  const shown: [string, Wire][] = Object.entries(members).map(([name, value]) => [names.get(name) ?? name, value]);
  return jsonOf(shown);
}

/** A member of a member comes within its own object. */
function picked(members: Document, names: readonly string[], stored: readonly string[]): Uint8Array {
  const shown: Record<string, Wire> = Object.create(null);
  for (const [i, name] of names.entries()) {
    const value = getter(stored[i] as string, true)(members);
    if (value === undefined) continue;
    const path = name in members ? [name] : name.split('.');
    let at = shown as Record<string, unknown>;
    for (const step of path.slice(0, -1)) {
      const inner = at[step];
      const below = typeof inner === 'object' && inner !== null ? inner : Object.create(null);
      at[step] = below;
      at = below;
    }
    at[path.at(-1) as string] = value;
  }
  return Buffer.from(stringifyJson(shown));
}

const jsonOf = (members: readonly [string, Wire][]): Uint8Array =>
  Buffer.from(`{${members.map(([name, value]) => `${JSON.stringify(name)}:${stringifyJson(value)}`).join(',')}}`);

/** The JSON of members of ours. */
export const documentJson = (document: Document): Uint8Array => jsonOf(Object.entries(document));
