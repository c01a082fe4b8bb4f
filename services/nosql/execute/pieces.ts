/** Documents as they are answered. */
import type { Deadline } from '#common/deadline.ts';
import type { Operation } from '#proto/data/v1/data_pb.ts';
import type { StoredDocument } from '../document.ts';
import type { Outputs } from './outputs.ts';
import type { RelatedReader } from './related.ts';

/** The JSON of documents, with what belongs to them. */
export async function piecesOf(
  documents: readonly StoredDocument[],
  outputs: Outputs,
  related: RelatedReader,
  operation: Operation,
  deadline: Deadline,
): Promise<Uint8Array[]> {
  const pieces = documents.map((document) => outputs.json(document));
  return related.empty ? pieces : related.attach(documents, pieces, operation, deadline);
}
