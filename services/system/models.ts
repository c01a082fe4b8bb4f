/** All models of system records by their names. */
import { APP } from './apps/model.ts';
import { AUDIT } from './audit/model.ts';
import { CORS } from './cors/model.ts';
import { CUSTOM } from './custom/model.ts';
import { EMAIL_TEMPLATE } from './email/model.ts';
import { TOKEN_ISSUER } from './issuers/model.ts';
import { JOB } from './jobs/model.ts';
import { LIMIT } from './limits/model.ts';
import { LOOKUPS } from './lookups/model.ts';
import type { Model } from './records/model.ts';
import { ROLE, ROLE_SERVICE_ACCESS } from './roles/model.ts';
import { SCHEDULER, TASK_LOG } from './scheduler/model.ts';
import { EVENT_SCRIPT, SCRIPT_TYPE } from './scripts/model.ts';
import { SERVICE_TYPE } from './service-types/model.ts';
import { SERVICE, SERVICE_DOC } from './services/model.ts';
import { ADMIN, ANY_USER, USER, USER_TO_APP_TO_ROLE } from './users/model.ts';

const MODELS: ReadonlyMap<string, Model> = new Map(
  [
    ADMIN,
    APP,
    AUDIT,
    CORS,
    CUSTOM,
    EMAIL_TEMPLATE,
    EVENT_SCRIPT,
    JOB,
    LIMIT,
    ...LOOKUPS,
    ROLE,
    ROLE_SERVICE_ACCESS,
    SCHEDULER,
    SCRIPT_TYPE,
    SERVICE,
    SERVICE_DOC,
    SERVICE_TYPE,
    TASK_LOG,
    TOKEN_ISSUER,
    USER,
    ANY_USER,
    USER_TO_APP_TO_ROLE,
  ].map((model) => [model.name, model]),
);

/** For names that our own models use. */
export function modelNamed(name: string): Model {
  const model = MODELS.get(name);
  if (!model) throw new Error(`No model is named ${name}`);
  return model;
}

/** For names that come from a request: only what is a resource. */
export function resourceNamed(name: string): Model | undefined {
  const model = MODELS.get(name);
  return model?.resource ? model : undefined;
}

/** All that API documents speak of: resources, and what is only reached through relations. */
export const describable = (): Model[] => [...MODELS.values()];

export const resources = (): Model[] => [...MODELS.values()].filter((model) => model.resource);
