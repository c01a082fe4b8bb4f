/** What holds for issuers: keys come over a line that nobody can tap, and claims are plain values. */
import type { Rules } from '../records/model.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

export const ISSUER_RULES: Rules = {
  prepare: (values, { faults }) => {
    const url = values['jwks_url'];
    if (url !== undefined && !isTrustworthy(String(url))) {
      faults.add('jwks_url', 'The jwks_url must be an address of https, or of this very machine.');
    }
    const claims = values['claims'];
    if (claims !== undefined && claims !== null && !arePlain(String(claims))) {
      faults.add('claims', 'The claims must be an object of texts, numbers, true or false by their names.');
    }
  },
};

function isTrustworthy(text: string): boolean {
  try {
    const { protocol, hostname, username } = new URL(text);
    return username === '' && (protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname)));
  } catch {
    return false;
  }
}

/** @param json  as it is stored */
function arePlain(json: string): boolean {
  const claims: unknown = JSON.parse(json);
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return false;
  return Object.values(claims).every((value) => ['string', 'number', 'boolean'].includes(typeof value));
}
