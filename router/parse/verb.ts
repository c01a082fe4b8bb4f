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

/** A verb that nobody knows: HTTP has a status of its own for it. */
export class UnknownVerb extends MillraceError {
  /** What is known, for the header Allow. */
  readonly allowed = Object.keys(VERB_BITS);

  constructor() {
    super('unsupported', 'The method is not known here.');
  }
}

/** @throws UnknownVerb */
export function effectiveVerb(source: VerbSource): string {
  const verb = tunnelled(source).toUpperCase();
  if (verb === 'MERGE') return 'PATCH';
  if (!Object.hasOwn(VERB_BITS, verb)) throw new UnknownVerb();
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
