/** What holds for tasks: whoever makes one says what is called, when, and as whom. */
import { TASK_FREQUENCY_MAX } from '#common/bounds.ts';
import { parseJson } from '#common/json.ts';
import { verbNames } from '#common/verbs.ts';
import type { Faults } from '../records/faults.ts';
import type { Context, Rules, Values } from '../records/model.ts';
import { timestamp } from '../records/timestamp.ts';
import { assertMayShape } from '../roles/rights.ts';
import { faultOfCron, isTimeZone, nextRun } from './due.ts';

/** What decides when it runs. */
const TIMING = ['is_active', 'cron', 'frequency', 'time_zone'];

const WHERE_EMPTY = { cron: null, payload: null, component: null, frequency: 5, verb_mask: 1, time_zone: 'UTC' };

export const TASK_RULES: Rules = {
  prepare: async (values, { current, context, faults }) => {
    await assertMayTask(context);
    for (const [name, usual] of Object.entries(WHERE_EMPTY)) {
      if (values[name] === '' || values[name] === null) values[name] = usual;
    }
    if (typeof values['component'] === 'string') values['component'] = values['component'].replace(/^\/+/, '') || null;
    const isClear = checkTask(values, faults);
    if (!isClear || (current && !TIMING.some((name) => name in values && values[name] !== current[name]))) return;
    const whole: Values = { ...current, ...values };
    const timing = {
      cron: (whole['cron'] ?? null) as string | null,
      frequency: Number(whole['frequency']),
      time_zone: String(whole['time_zone']),
    };
    const next = whole['is_active'] === 1 ? nextRun(timing, new Date()) : undefined;
    values['next_run_date'] = next ? timestamp(next) : null;
  },
  beforeDelete: (_row, context) => assertMayTask(context),
};

/** A task acts as whomever it names. */
const assertMayTask = (context: Context): Promise<void> => assertMayShape(context, 'scheduled tasks');

/** @returns whether all is well */
function checkTask(values: Values, faults: Faults): boolean {
  const found = CHECKS.flatMap(({ field, fault }) => {
    const value = values[field];
    const why = value === undefined || value === null ? undefined : fault(value);
    return why === undefined ? [] : [{ field, why }];
  });
  for (const { field, why } of found) faults.add(field, why);
  return found.length === 0;
}

const CHECKS: readonly { field: string; fault: (value: unknown) => string | undefined }[] = [
  {
    field: 'cron',
    fault: (value) => {
      const why = faultOfCron(String(value));
      return why && `The cron expression cannot be used: ${why}`;
    },
  },
  {
    field: 'time_zone',
    fault: (value) =>
      isTimeZone(String(value)) ? undefined : 'The time zone must be the name of one, such as Europe/Berlin.',
  },
  {
    field: 'frequency',
    fault: (value) =>
      Number(value) >= 1 && Number(value) <= TASK_FREQUENCY_MAX
        ? undefined
        : `The frequency must be from 1 to ${TASK_FREQUENCY_MAX} minutes.`,
  },
  {
    field: 'verb_mask',
    fault: (value) => {
      const [verb, ...more] = verbNames(Number(value));
      const isOne = verb !== undefined && more.length === 0 && Number(value) <= 16;
      return isOne ? undefined : 'The verb mask must be 1 (GET), 2 (POST), 4 (PUT), 8 (PATCH) or 16 (DELETE).';
    },
  },
  {
    field: 'component',
    fault: (value) =>
      isPath(String(value)) ? undefined : 'The component must be a path below the service, with a query if need be.',
  },
  {
    field: 'payload',
    fault: (value) => {
      try {
        parseJson(Buffer.from(String(value)));
        return undefined;
      } catch {
        return 'The payload must be JSON.';
      }
    },
  },
];

function isPath(component: string): boolean {
  if (/[\u0000-\u001f\u007f\\#]/.test(component)) return false;
  const segments = component.split('?', 1)[0]!.replace(/\/$/, '').split('/');
  return segments.every((segment, at) => segment !== '.' && segment !== '..' && (segment !== '' || at === 0));
}
