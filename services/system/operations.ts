/** System records as a data connector: `system/role` takes the same operations as a table of a database. */
import { create } from '@bufbuild/protobuf';
import type { Connector } from '#common/connector.ts';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError, notFound } from '#common/errors.ts';
import {
  type DescribeTables,
  type ListResources,
  type Operation,
  ResourceKind,
  type Result,
  ResultSchema,
  type Shape,
} from '#proto/data/v1/data_pb.ts';
import { CUSTOM, customOf } from './custom/model.ts';
import { fromDatabase } from './database/errors.ts';
import { describable, resourceNamed, resources } from './models.ts';
import { jsonBytes } from './records/batch.ts';
import type { JsonObject, Model } from './records/model.ts';
import type { Records } from './records/records.ts';
import { describeResource } from './records/schema.ts';
import { noSession } from './sessions.ts';

const USER_SERVICE = 'user';

export function systemConnector(records: Records): Connector {
  return {
    execute: async (operation: Operation, shape: Shape, deadline: Deadline): Promise<Result> => {
      deadline.throwIfAborted();
      try {
        return await perform(records, operation, shape);
      } catch (error) {
        throw fromDatabase(error);
      }
    },
  };
}

async function perform(records: Records, operation: Operation, { service, action }: Shape): Promise<Result> {
  const model = (table: string): Model => modelOf(service, table, operation.caller?.userId ?? 0);
  switch (action.case) {
    case 'read':
      return records.read(model(action.value.table), action.value, operation);
    case 'create':
      return records.create(model(action.value.table), action.value, operation);
    case 'update':
      return records.update(model(action.value.table), action.value, operation);
    case 'delete':
      return records.delete(model(action.value.table), action.value, operation);
    case 'listResources':
      return list(service, action.value);
    case 'describeTables':
      return describe(service, action.value);
    default:
      throw new MillraceError('unsupported', `This is not supported by the '${service}' service.`);
  }
}

function modelOf(service: string, table: string, userId: number): Model {
  const found = service === USER_SERVICE ? ownModel(table, userId) : resourceNamed(table);
  if (!found) throw notFound(`Resource '${table}' not found for service '${service}'.`);
  return found;
}

/** What belongs to whoever is signed in. */
function ownModel(table: string, userId: number): Model | undefined {
  if (table !== CUSTOM.name) return undefined;
  if (userId === 0) throw noSession();
  return customOf(userId);
}

function list(service: string, { kind, names }: ListResources): Result {
  if (kind !== ResourceKind.ROOT) {
    throw new MillraceError('unsupported', `The '${service}' service has no tables of that kind.`);
  }
  const all = service === USER_SERVICE ? USER_RESOURCES : systemResources();
  const wanted = names.length > 0 ? all.filter(({ name }) => names.includes(String(name))) : all;
  return create(ResultSchema, { json: jsonBytes(wanted) });
}

/** None named: all of them, and what is reached through their relations. The user service has no records. */
function describe(service: string, { tables }: DescribeTables): Result {
  const all = service === USER_SERVICE ? [] : describable();
  const wanted = tables.map((name) => all.find((each) => each.name === name) ?? modelOf(service, name, 0));
  return create(ResultSchema, { json: jsonBytes((tables.length > 0 ? wanted : all).map(describeResource)) });
}

const described = (name: string, label: string, description: string, readOnly = false): JsonObject => ({
  name,
  label,
  description,
  singleton: false,
  read_only: readOnly,
  subscription_required: null,
});

const USER_RESOURCES: readonly JsonObject[] = [
  described('custom', 'Custom', "Values of a user's own."),
  described('password', 'Password', 'Changing and resetting a password.'),
  described('profile', 'Profile', 'What a user says about himself.'),
  described('register', 'Register', "Creating an account of one's own."),
  described('session', 'Session', 'Signing in and out.'),
];

/** By name, as the original lists them. */
function systemResources(): JsonObject[] {
  return [
    ...resources().map(({ name, label, description, readOnly }) => described(name, label, description, readOnly)),
    described('cache', 'Cache', 'What is remembered of services, to be forgotten.'),
    described('constant', 'Constants', 'Names for numbers: none.', true),
    described('event', 'Events', 'What scripts can be bound to.', true),
    described('limit_cache', 'Limit Cache', 'How the limits stand.'),
    described('package', 'Packages', 'Export and import of records of the system as one archive.'),
    described('config_package', 'Config Packages', 'Services, roles and apps as one document without secrets.'),
    described('admin/password', 'Admin Password', 'Changing and resetting the password of an administrator.'),
    described('admin/profile', 'Admin Profile', 'What an administrator says about himself.'),
    described('admin/session', 'Admin Session', 'Signing in and out as an administrator.'),
    described('environment', 'Environment', 'What this installation offers to clients.', true),
  ].toSorted((a, b) => (String(a['name']) < String(b['name']) ? -1 : 1));
}
