/** Verb tunnelling: a POST may stand for another verb (system-api §1.4). */
import { MillraceError } from '#common/errors.ts';
import { VERB_BITS } from '#common/verbs.ts';

export interface VerbSource {
  readonly method: string;
  header(name: string): string | undefined;
  query(name: string): string | undefined;
  /** A top-level text of the body. */
  body(name: string): string | undefined;
}

/** @throws MillraceError unsupported for a verb that nobody knows */
export function effectiveVerb(source: VerbSource): string {
  const verb = tunnelled(source).toUpperCase();
  if (verb === 'MERGE') return 'PATCH';
  if (!(verb in VERB_BITS)) {
    throw new MillraceError('unsupported', 'The method is not known here.', { allowed: Object.keys(VERB_BITS) });
  }
  return verb;
}

function tunnelled({ method, header, query, body }: VerbSource): string {
  if (method !== 'POST') return method;
  return (
    header('x-http-method') ||
    header('x-method-override') ||
    query('method') ||
    header('x-http-method-override') ||
    query('_method') ||
    body('_method') ||
    method
  );
}
