/** What holds for lookups (system-api §5.5, §8): private values are sealed, and never read back. */
import { type SqlBool, sql } from 'kysely';
import { invalid } from '#common/errors.ts';
import { allOf, type Condition } from '../records/filter.ts';
import type { Model, Row, Rules, Values, Write } from '../records/model.ts';
import { selectRows } from '../records/store.ts';
import { MASK } from '../secrets.ts';

export const OWNERS = ['user_id', 'role_id', 'app_id'] as const;

export const shownValue = (row: Row): unknown => (row['private'] === 1 ? MASK : row['value']);

export const LOOKUP_RULES: Rules = {
  prepare: async (values, write) => {
    await checkName(values, write);
    prepareValue(values, write);
  },
};

function prepareValue(values: Values, { current, context, faults }: Write): void {
  const wasPrivate = current?.['private'] === 1;
  const isPrivate = (values['private'] ?? current?.['private'] ?? 0) === 1;
  if (wasPrivate && values['value'] === MASK) delete values['value'];
  const isNew = 'value' in values;
  const value = isNew ? values['value'] : current?.['value'];
  if (wasPrivate && !isPrivate && !isNew) {
    faults.add('private', 'A private lookup becomes public only together with a new value.');
  }
  if (typeof value === 'string' && isPrivate && (isNew || !wasPrivate)) {
    values['value'] = context.tools.secrets.seal(value);
  }
}

async function checkName(values: Values, { current, context }: Write): Promise<void> {
  const { name } = values;
  if (name === undefined || name === current?.['name']) return;
  const owners = OWNERS.map((column): Condition => {
    const owner = values[column] ?? current?.[column] ?? null;
    return owner === null ? sql<SqlBool>`${sql.ref(column)} is null` : sql<SqlBool>`${sql.ref(column)} = ${owner}`;
  });
  const all: Model = { ...context.tools.model('lookup'), scope: {} };
  const taken = await selectRows(context.db, all, allOf([...owners, sql<SqlBool>`name = ${name}`]));
  if (taken.length > 0) throw invalid('Lookup name can not be modified to one that already exists.');
}
