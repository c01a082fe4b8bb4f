/** What a document is asked of: one service, as one caller may use it, told as fully as he wants. */
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { PathAccess } from './access.ts';
import type { Catalogue } from './catalogue.ts';
import type { Part } from './document.ts';

export interface Wants {
  /** A path for each table and each field, in the place of those that stand for any. */
  readonly expand: boolean;
  /** What is told of tables beside paths that stand for any. */
  readonly tables: 'nothing' | 'names' | 'descriptions';
  /** Only these, in lower case; empty: all. */
  readonly only: readonly string[];
}

export interface Subject {
  readonly service: Service;
  /** Its name as a part of operation ids. */
  readonly word: string;
  readonly access: PathAccess;
  readonly catalogue: Catalogue;
  readonly wants: Wants;
  /** For what leads to other services. */
  readonly state: AccessState;
  readonly principal: Principal;
}

/** The paths of a service of one kind: all of them, whatever the caller may use; its names only as far as he may. */
export type Describer = (subject: Subject) => Promise<Part>;
