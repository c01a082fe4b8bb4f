/** What the system's resources that are no records have in common: each refuses in the same words what it does not do. */
import { MillraceError, notFound } from '#common/errors.ts';
import type { ApiRequest } from '../parse/api-request.ts';

/** One that can only be read, as a whole. @throws MillraceError unsupported, not_found */
export function requireRead(request: ApiRequest): void {
  const { segments, verb } = request;
  if (verb !== 'GET') throw unsupportedVerb(request);
  if (segments.length > 1) throw nothingBelow(request);
}

export const unsupportedVerb = ({ verb, segments: [name = ''] }: ApiRequest): MillraceError =>
  new MillraceError(
    'unsupported',
    `${verb} requests are not currently supported by the '${name.toLowerCase()}' service.`,
  );

export const nothingBelow = ({ segments, service }: ApiRequest): MillraceError =>
  notFound(`Resource '${segments.join('/')}' not found for service '${service}'.`);
