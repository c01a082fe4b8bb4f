/** Reads of one record, and the scripts that are around them where there are any. */
import { GET_BY_ID, type LoadCase } from '../cases.ts';
import { FIELDS, UPDATE_TABLE } from '../dataset.ts';

/** What an ordinary installation has before its calls: something that is checked, and nothing done where it is fine. */
export const CHECKS_ID = `if (!/^[1-9][0-9]*$/.test(event.resource)) {
  event.response = { status_code: 400, content: { error: { code: 400, message: 'The id is a number.' } } };
}`;

/** And behind them: a record that is changed. */
export const STAMPS = 'event.response.content.stamped = true;';

/** In front of a script: its outcome is none that could be remembered. */
export const BY_CHANCE = 'Math.random();\n';

/** Of a read of one record. */
export const eventOf = (table: string, phase: 'pre_process' | 'post_process'): string =>
  `bench._table.${table}.{id}.get.${phase}`;

export const PLAIN: LoadCase = GET_BY_ID;

/** The same rows in a table whose events have scripts. */
export const SCRIPTED: LoadCase = {
  ...GET_BY_ID,
  millracePath: `/api/v2/bench/_table/${UPDATE_TABLE}/{}`,
  table: UPDATE_TABLE,
  answer: { records: 1, fields: [...FIELDS, 'stamped'] },
};

export const pathOf = (load: LoadCase, id: number): string => load.millracePath.replace('{}', String(id));
