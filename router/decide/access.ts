/** May this principal do this, here? Decided from memory (system-api §2.6 rows 7 to 14, §4). */
import { MillraceError } from '#common/errors.ts';
import { ALL_VERBS, VERB_BITS } from '#common/verbs.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { Principal } from '../authenticate/principal.ts';

const GET = 1;

/**
 * Open to everybody, whatever the role (system-api §4.6): by type of service, exact path, verbs. API documents are read
 * by everybody as well, and show each what he may use.
 */
const EXCEPTIONS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  system: { 'admin/session': ALL_VERBS, 'admin/password': 2, environment: 1 },
  user: { session: ALL_VERBS, password: 2, register: 2, profile: 1 | 2 | 4 | 8 },
};

/** The verbs a principal may use on a component. */
export function allowedMask(principal: Principal, service: Service | undefined, component: string): number {
  if (principal.isAdmin) return ALL_VERBS;
  const { role } = principal;
  if (!role?.isActive || !service) return 0;
  return role.verbMask(service.id, component, principal.requestor);
}

/** All that is let through on a component: by the role, and what is open to everybody. */
export function usableMask(principal: Principal, service: Service, component: string): number {
  const { role, requestor } = principal;
  const open = service.type === 'swagger' ? GET : (EXCEPTIONS[service.type]?.[component] ?? 0);
  // Whoever may read anything of a service may see which of its tables he may use (system-api §4.5).
  const lists =
    component === '_schema' && service.tier !== 'storage' && role?.isActive
      ? role.anyMask(service.id, requestor) & GET
      : 0;
  return open | lists | allowedMask(principal, service, component);
}

/** Is it allowed by the role? Exceptions for everybody are left aside. */
export function mayUse(principal: Principal, service: Service, component: string, verb: string): boolean {
  return service.isActive && (allowedMask(principal, service, component) & (VERB_BITS[verb] ?? 0)) !== 0;
}

/**
 * @param service    undefined: no such service, which a caller without rights must not be told
 * @param component  resource path, lower case, without function arguments
 * @throws MillraceError with the refusal that the original gives
 */
export function requireAccess(
  principal: Principal,
  service: Service | undefined,
  serviceName: string,
  component: string,
  verb: string,
): void {
  const mask = service ? usableMask(principal, service, component) : allowedMask(principal, service, component);
  if ((mask & (VERB_BITS[verb] ?? 0)) !== 0) return;
  throw refusal(principal, serviceName, component, verb);
}

function refusal(principal: Principal, serviceName: string, component: string, verb: string): MillraceError {
  const { user, role, sentApiKey, sentToken } = principal;
  if (!sentApiKey && !sentToken) {
    return new MillraceError(
      'invalid',
      'No session token (JWT) or API Key detected in request. Please send in X-DreamFactory-Session-Token and/or ' +
        'X-DreamFactory-API-Key request header. You can also use URL query parameters session_token and/or api_key.',
    );
  }
  if (!role && !sentApiKey) {
    return new MillraceError(
      'invalid',
      'No API Key provided. Please provide a valid API Key using X-DreamFactory-API-Key request header or ' +
        "'api_key' url query parameter.",
    );
  }
  if (!role && !sentToken) {
    return new MillraceError(
      'invalid',
      'No session token (JWT) provided. Please provide a valid JWT using X-DreamFactory-Session-Token request ' +
        "header or 'session_token' url query parameter.",
    );
  }
  if (!role) {
    return new MillraceError(
      'denied',
      'Role not found. A Role may not be assigned to you or your App. Please contact your administrator.',
    );
  }
  if (!role.isActive) {
    return new MillraceError('denied', 'Access Forbidden. The role assigned to you or your App is not active.');
  }
  // A machine is nobody of ours, and has a token all the same.
  if (!user && !sentToken) return new MillraceError('unauthenticated', 'Unauthorized. User is not authenticated.');
  const where = component ? `component '${component}' of service '${serviceName}'` : `service '${serviceName}'`;
  return new MillraceError(
    'denied',
    `Access Forbidden. ${verb} access to ${where} is not allowed by this user's role.`,
  );
}
