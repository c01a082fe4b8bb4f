/**
 * Addresses that are good for the reading of one file until a moment, for whoever has them: no key, no session. They are
 * signed with the secrets of session tokens, for another purpose than those.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { SIGNED_URL_SECONDS_MAX } from '#common/bounds.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { componentOfPath } from '#common/files/path.ts';
import { REQUESTOR_API, VERB_BITS } from '#common/verbs.ts';
import { RoleSchema, type Service } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { CompiledRole } from '../decide/role.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import { addressOf, isFileService } from './address.ts';

const SECONDS_DEFAULT = 600;
const SIGNATURE = 'signature';
const EXPIRES = 'expires';

export class SignedUrls {
  readonly #state: AccessState;

  constructor(state: AccessState) {
    this.#state = state;
  }

  /**
   * @param expiresIn  seconds, as it was sent
   * @returns the address, from the root of this host, and the second of its end
   * @throws MillraceError invalid
   */
  sign(service: Service, path: string, expiresIn: string | undefined): { signed_url: string; expires: number } {
    const seconds = Number(expiresIn ?? SECONDS_DEFAULT);
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > SIGNED_URL_SECONDS_MAX) {
      throw invalid(`expires_in must be a number of seconds from 1 to ${SIGNED_URL_SECONDS_MAX}.`, {
        field: 'expires_in',
      });
    }
    const [secret] = this.#secrets();
    if (!secret) throw new MillraceError('unavailable', 'The secrets for signatures are not known yet.');
    const expires = Math.floor(Date.now() / 1000) + seconds;
    const signature = signatureOf(secret, service, path, expires).toString('base64url');
    const where = path.split('/').map(encodeURIComponent).join('/');
    return {
      signed_url: `/api/v2/${service.name}/${where}?${EXPIRES}=${expires}&${SIGNATURE}=${signature}`,
      expires,
    };
  }

  /**
   * Whoever brings a signature is its bearer, whatever else he brings.
   * @returns undefined: there is none
   * @throws MillraceError denied for one that is not valid, or no longer
   */
  bearer(request: ApiRequest): Principal | undefined {
    const given = isSigned(request) ? request.query.get(SIGNATURE) : undefined;
    const service = this.#state.servicesByName.get(request.service);
    if (given === undefined || !service || !isFileService(service)) return undefined;
    const { path, isFolder } = addressOf(request);
    const expires = Number(request.query.get(EXPIRES));
    const signature = Buffer.from(given, 'base64url');
    const isOurs = this.#secrets().some((secret) => isEqual(signature, signatureOf(secret, service, path, expires)));
    if (isFolder || !isOurs) throw new MillraceError('denied', 'The signature of this address is not valid.');
    if (expires * 1000 <= Date.now()) throw new MillraceError('denied', 'This address is no longer valid.');
    return bearerOf(service, path);
  }

  #secrets(): readonly Uint8Array[] {
    return this.#state.settings?.tokenSecrets ?? [];
  }
}

/** Only the content can be read by one: nothing that would give another. */
export const isSigned = ({ http, query }: ApiRequest): boolean =>
  http.query.includes(SIGNATURE) && query.has(SIGNATURE) && query.has(EXPIRES);

const isEqual = (given: Uint8Array, right: Uint8Array): boolean =>
  given.length === right.length && timingSafeEqual(given, right);

const signatureOf = (secret: Uint8Array, { id, name }: Service, path: string, expires: number): Buffer =>
  createHmac('sha256', secret)
    .update('millrace signed url\0')
    .update(JSON.stringify([id, name.toLowerCase(), path, expires]))
    .digest();

/** Nobody of ours, with a role for this one thing. */
function bearerOf(service: Service, path: string): Principal {
  const access = [
    {
      serviceId: service.id,
      component: componentOfPath(path),
      verbMask: VERB_BITS['GET'] as number,
      requestorMask: REQUESTOR_API,
    },
  ];
  const role = new CompiledRole(create(RoleSchema, { name: 'signed address', isActive: true, access }));
  const nobody = { user: undefined, app: undefined, isAdmin: false, token: undefined };
  return { ...nobody, role, requestor: REQUESTOR_API, sentApiKey: true, sentToken: true };
}
