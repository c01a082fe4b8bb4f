/** What holds for limits (system-api §7.1). */
import { type SqlBool, sql } from 'kysely';
import { invalid } from '#common/errors.ts';
import { LIMIT_TYPES, type LimitField, limitKey, PERIODS } from '#common/limits/limit.ts';
import { Selection_Kind } from '#proto/data/v1/data_pb.ts';
import type { JsonObject, Rules, Values, Write } from '../records/model.ts';
import { recordOf, selectedColumns } from '../records/present.ts';
import { selectRows } from '../records/store.ts';

const VERBS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const FIELDS: readonly LimitField[] = ['user_id', 'role_id', 'service_id', 'endpoint'];
const RATE_MAX = 2_147_483_647;

export const periodName = (index: number): string => PERIODS[index]?.[0] ?? 'minute';

/** @param input  a name, or its number. @throws MillraceError invalid */
export function acceptPeriod(input: unknown): number {
  const index = PERIODS.findIndex(([name], i) => name === String(input).toLowerCase() || String(i) === String(input));
  if (index >= 0) return index;
  const names = PERIODS.map(([name]) => name).join(', ');
  throw invalid(`Invalid data supplied. The period must be one of ${names}.`, { period: [`one of ${names}`] });
}

export const LIMIT_RULES: Rules = {
  tidy: (input) => {
    const tidied: JsonObject = { ...input };
    if (typeof tidied['endpoint'] === 'string')
      tidied['endpoint'] = tidied['endpoint'].replace(/^\/+|\/+$/g, '') || null;
    if (typeof tidied['verb'] === 'string') tidied['verb'] = tidied['verb'].toUpperCase() || null;
    return tidied;
  },
  prepare: async (values, write) => {
    const whole: Values = { ...write.current, ...values };
    const type = LIMIT_TYPES[String(whole['type'])];
    if (!type) {
      write.faults.add('type', `The type must be one of ${Object.keys(LIMIT_TYPES).join(', ')}.`);
      return;
    }
    const rate = Number(whole['rate']);
    if (!Number.isInteger(rate) || rate < 1 || rate > RATE_MAX) {
      throw invalid('Limit rate must be an integer. Limit not saved.', { rate: [`from 1 to ${RATE_MAX}`] });
    }
    // What the type does not speak of is nothing that it could be about.
    for (const field of FIELDS) if (!type.fields.includes(field)) values[field] = null;
    for (const field of type.fields) {
      if (field === 'endpoint' && !type.needsEndpoint) continue;
      const given = field in values ? values[field] : write.current?.[field];
      if (given === null || given === undefined || given === '') {
        throw invalid(`${field} must be specified with this limit type. Limit: ${whole['name']}`, {
          [field]: ['required'],
        });
      }
    }
    const verb = whole['verb'] ?? null;
    if (verb !== null && !VERBS.includes(String(verb)))
      throw invalid('Verb is invalid or not allowed.', { verb: VERBS });
    await setKey(values, { ...whole, ...values }, write);
  },
};

/** No two limits count the same. */
async function setKey(values: Values, whole: Values, { current, context }: Write): Promise<void> {
  const number = (name: string): number | undefined => (whole[name] === null ? undefined : Number(whole[name]));
  const text = (name: string): string | undefined => (whole[name] == null ? undefined : String(whole[name]));
  const key = limitKey({
    type: String(whole['type']),
    userId: number('user_id'),
    roleId: number('role_id'),
    serviceId: number('service_id'),
    endpoint: text('endpoint'),
    verb: text('verb'),
    period: periodName(Number(whole['period'])),
  });
  values['key_text'] = key;
  const model = context.tools.model('limit');
  const [taken] = await selectRows(context.db, model, sql<SqlBool>`key_text = ${key}`);
  if (!taken || taken['id'] === current?.['id']) return;
  const columns = selectedColumns(model, undefined, Selection_Kind.ALL);
  throw invalid(
    'A limit already exists with those parameters. No records added.',
    recordOf(taken, columns, context.tools),
  );
}
