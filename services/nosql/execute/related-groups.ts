/** Groups of records with what belongs to them, by fields that all of a group share. */
import { create } from '@bufbuild/protobuf';
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import type { TableView } from '#common/schema/extras.ts';
import {
  Selection_Kind as Kind,
  type Operation,
  type Read,
  ReadSchema,
  SelectionSchema,
} from '#proto/data/v1/data_pb.ts';
import type { Document, StoredDocument } from '../document.ts';
import type { RelatedReader } from './related.ts';

export interface GroupedRead {
  /** Shows what leads to the related records. */
  readonly read: Read;
  attach(pieces: readonly Uint8Array[], operation: Operation, deadline: Deadline): Promise<readonly Uint8Array[]>;
}

/** @throws MillraceError invalid that names a field which they do not share */
export function withRelated(read: Read, table: TableView, related: RelatedReader): GroupedRead {
  if (related.empty || read.group.length === 0) return { read, attach: async (pieces) => pieces };
  const grouped = new Set(read.group.map((name) => table.byFieldWireName.get(name)?.name ?? name));
  const stray = related.localFields.find(({ name }) => !grouped.has(name));
  // What is there always is left out where it would be in nobody's way.
  if (stray && read.related.length === 0) return { read, attach: async (pieces) => pieces };
  if (stray) {
    throw invalid(`Groups have what belongs to '${stray.wireName}' only where it is a part of 'group'.`, {
      field: stray.wireName,
    });
  }
  const nameOf = (field: string): string =>
    read.group.find((name) => (table.byFieldWireName.get(name)?.name ?? name) === field) ?? field;
  const names = read.selection?.kind === Kind.LISTED ? read.selection.names : read.group;
  const leading = related.localFields.map(({ name }) => nameOf(name));
  const selection = create(SelectionSchema, { kind: Kind.LISTED, names: [...new Set([...names, ...leading])] });
  return {
    read: create(ReadSchema, { ...read, selection }),
    attach: (pieces, operation, deadline) => {
      const documents = pieces.map((piece): StoredDocument => {
        const shown = parseJson(piece) as Document;
        const members = Object.fromEntries(
          related.localFields.map(({ name }) => [name, shown[nameOf(name)] ?? null] as const),
        );
        return { json: () => piece, members: () => members };
      });
      return related.attach(documents, pieces, operation, deadline);
    },
  };
}
