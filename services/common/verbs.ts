/** Verbs and their bits in the masks of roles and CORS rules (system-api §4.1). */

export const VERB_BITS: Readonly<Record<string, number>> = {
  GET: 1,
  POST: 2,
  PUT: 4,
  PATCH: 8,
  DELETE: 16,
  OPTIONS: 32,
  HEAD: 64,
  COPY: 128,
  TRACE: 256,
  CONNECT: 512,
};

/** GET, POST, PUT, PATCH and DELETE together. */
export const ALL_VERBS = 31;

export const REQUESTOR_API = 1;
export const REQUESTOR_SCRIPT = 2;

/** Names of the five usual verbs in a mask, in the order of their bits. */
export function verbNames(mask: number): string[] {
  return ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((verb) => (mask & (VERB_BITS[verb] as number)) !== 0);
}
