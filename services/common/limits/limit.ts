/** Limits as they are stored, known and counted: their types, periods and keys (system-api §7). */

export type LimitField = 'user_id' | 'role_id' | 'service_id' | 'endpoint';

interface LimitType {
  /** What a limit of the type is about; required unless it is the endpoint of all users. */
  readonly fields: readonly LimitField[];
  /** Counts each signed-in user by himself. */
  readonly eachUser: boolean;
  readonly needsEndpoint: boolean;
}

const type = (fields: readonly LimitField[], more: Partial<LimitType> = {}): LimitType => ({
  ...{ fields, eachUser: false, needsEndpoint: false },
  ...more,
});

export const LIMIT_TYPES: Readonly<Record<string, LimitType>> = {
  instance: type([]),
  'instance.user': type(['user_id']),
  'instance.each_user': type([], { eachUser: true }),
  'instance.role': type(['role_id']),
  'instance.service': type(['service_id']),
  'instance.user.service': type(['user_id', 'service_id']),
  'instance.each_user.service': type(['service_id'], { eachUser: true }),
  'instance.service.endpoint': type(['service_id', 'endpoint']),
  'instance.user.service.endpoint': type(['user_id', 'service_id', 'endpoint'], { needsEndpoint: true }),
  'instance.each_user.service.endpoint': type(['service_id', 'endpoint'], { eachUser: true }),
};

const DAY = 86_400;

/** In the order of the numbers that they are stored as. */
export const PERIODS: readonly (readonly [name: string, seconds: number])[] = [
  ['minute', 60],
  ['hour', 3600],
  ['day', DAY],
  ['7-day', 7 * DAY],
  ['30-day', 30 * DAY],
];

export interface KeyParts {
  readonly type: string;
  readonly userId: number | undefined;
  readonly roleId: number | undefined;
  readonly serviceId: number | undefined;
  readonly endpoint: string | undefined;
  readonly verb: string | undefined;
  readonly period: string;
}

/** What is counted together. @param each  of a limit for each user: whose count it is; undefined: the limit itself */
export function limitKey(parts: KeyParts, each?: number): string {
  const { fields = [], eachUser = false } = LIMIT_TYPES[parts.type] ?? {};
  const text = ['instance'];
  if (eachUser) text.push(each === undefined ? 'each_user' : `each_user:${each}`);
  if (fields.includes('user_id')) text.push(`user:${parts.userId ?? ''}`);
  if (fields.includes('role_id')) text.push(`role:${parts.roleId ?? ''}`);
  if (fields.includes('service_id')) text.push(`service:${parts.serviceId ?? ''}`);
  if (fields.includes('endpoint')) text.push(`endpoint:${parts.endpoint ?? ''}`);
  if (parts.verb) text.push(`verb:${parts.verb}`);
  return [...text, parts.period].join('.');
}
