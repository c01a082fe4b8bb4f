/** Jobs as records: what is to be done later, how it goes, and what became of it. */
import { JOB_OVERDUE_MS } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import { type Column, type Context, ID, type Model, type Row } from '../records/model.ts';
import { timestamp } from '../records/timestamp.ts';

const shown = (name: string, kind: Column['kind']): Column => ({ name, kind, access: 'read_only' });

export const JOB: Model = {
  name: 'job',
  table: 'job',
  label: 'Job',
  plural: 'Jobs',
  description: 'What is done later: queued scripts and scheduled calls.',
  key: 'id',
  columns: [
    ID,
    shown('kind', 'string'),
    shown('name', 'string'),
    { name: 'state', kind: 'string' },
    shown('attempts', 'integer'),
    shown('attempts_max', 'integer'),
    shown('next_attempt_date', 'timestamp'),
    shown('last_error', 'text'),
    shown('logs', 'text'),
    shown('status_code', 'integer'),
    shown('result', 'json'),
    shown('user_id', 'integer'),
    shown('app_id', 'integer'),
    shown('created_date', 'timestamp'),
    shown('started_date', 'timestamp'),
    shown('finished_date', 'timestamp'),
  ],
  relations: [],
  scope: {},
  resource: true,
  comeByThemselves: true,
  publishes: [],
  rules: {
    prepare: async (values, { current, context }) => {
      if ('state' in values && current) await tryAgain(values['state'], current, context);
    },
  },
};

/** From the first attempt on. Whoever is at it would not know: only what nobody is at. */
async function tryAgain(state: unknown, { id }: Row, { db }: Context): Promise<void> {
  if (state !== 'waiting') {
    throw invalid("The state of a job can only be set to 'waiting': it is tried again then.", { state: ['waiting'] });
  }
  // As if it had been due for a while: whatever told of it tells of it again.
  const next_attempt_date = timestamp(new Date(Date.now() - JOB_OVERDUE_MS));
  const values = { state, attempts: 0, next_attempt_date, finished_date: null };
  const { numUpdatedRows } = await db
    .updateTable('job')
    .set(values)
    .where('id', '=', Number(id))
    .where('state', 'in', ['failed', 'dead'])
    .executeTakeFirst();
  if (numUpdatedRows > 0n) return;
  throw invalid('Only a job that has failed or is dead can be tried again.', { state: ['failed or dead'] });
}
