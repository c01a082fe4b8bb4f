/** What a package consists of: one line for each kind of record, in the order in which they refer to each other. */
import type { JsonObject, Row, Tools } from '../records/model.ts';
import { secretsOfLookup, secretsOfService, secretsOfUser } from './secrets.ts';

/** Records that belong to others and travel with them. */
export interface PackagePart {
  readonly name: string;
  readonly relation: string;
  /** Column by which a part that is there already is found; without one the whole list takes the place of the old. */
  readonly sameBy?: string;
}

export interface PackageKind {
  /** Of the resource, in the manifest, and of the file. */
  readonly name: string;
  /** Column by which a record is known in every installation. */
  readonly key: string;
  readonly parts?: readonly PackagePart[];
  /** Every installation has it for itself: neither exported nor changed. */
  readonly isFixed?: (row: Row) => boolean;
}

const LOOKUPS = (owner: string): PackagePart => ({
  name: 'lookup',
  relation: `lookup_by_${owner}_id`,
  sameBy: 'name',
});

export const KINDS: readonly PackageKind[] = [
  { name: 'email_template', key: 'name' },
  {
    name: 'service',
    key: 'name',
    parts: [{ name: 'service_doc', relation: 'service_doc_by_service_id' }],
    isFixed: (row) => row['deletable'] === 0,
  },
  {
    name: 'role',
    key: 'name',
    parts: [{ name: 'service_access', relation: 'role_service_access_by_role_id' }, LOOKUPS('role')],
  },
  { name: 'app', key: 'name', parts: [LOOKUPS('app')] },
  {
    name: 'user',
    key: 'email',
    parts: [{ name: 'role', relation: 'user_to_app_to_role_by_user_id', sameBy: 'app_id' }, LOOKUPS('user')],
  },
  { name: 'lookup', key: 'name' },
  { name: 'cors', key: 'path' },
  { name: 'limit', key: 'name' },
  { name: 'event_script', key: 'name' },
  { name: 'scheduler', key: 'name' },
];

export const kindNamed = (name: string): PackageKind | undefined => KINDS.find((kind) => kind.name === name);

/** By table: what a record that others refer to is called, as ids differ between installations. */
export const NAMED_BY: Readonly<Record<string, string>> = { service: 'name', role: 'name', app: 'name', user: 'email' };

/** By table: what of a row nobody reads, in clear. */
export const SECRETS_OF: Readonly<Record<string, (row: Row, tools: Tools) => JsonObject>> = {
  service: secretsOfService,
  user: secretsOfUser,
  lookup: secretsOfLookup,
};

/** Unlike the records' own members, which are names of columns. */
export const SEALED = '$sealed';

/** @returns the column's name in a package, where it holds the name of what it refers to: role_id is role */
export const referenceName = (column: string): string => column.replace(/_id$/, '');
