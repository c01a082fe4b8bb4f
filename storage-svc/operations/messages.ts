/** Entries as they leave the tier. */
import { entryToMessage } from '#common/files/entry.ts';
import { type Entry, Family as FamilyMessage } from '#proto/files/v1/files_pb.ts';
import type { Family, StoredEntry } from '../backend.ts';
import { withType } from '../content-types.ts';

export const FAMILIES: Readonly<Record<Family, FamilyMessage>> = {
  local: FamilyMessage.LOCAL,
  remote: FamilyMessage.REMOTE,
  object: FamilyMessage.OBJECT,
};

export const entryMessage = (entry: StoredEntry): Entry => entryToMessage(withType(entry));
