/** Values that programs keep here: of the installation (`system/custom`), and of each user (`user/custom`), system-api §3.8. */
import { parseJson } from '#common/json.ts';
import { type Column, type Model, type Row, type Rules, TRACE } from '../records/model.ts';

const COLUMNS: readonly Column[] = [
  { name: 'name', kind: 'string', length: 255, required: true },
  { name: 'value', kind: 'json', show: shownValue },
  ...TRACE,
];

const RULES: Rules = {
  prepare: (values, { current }) => {
    // Whoever holds a value knows it by its name.
    if (current) delete values['name'];
  },
};

function customModel(name: string, table: string, replaces: boolean): Model {
  return {
    name,
    table,
    label: 'Custom',
    plural: 'Customs',
    description: 'Values of any kind by their names.',
    key: 'name',
    shownAs: 'value',
    replaces,
    columns: COLUMNS,
    relations: [],
    scope: {},
    resource: true,
    publishes: [],
    rules: RULES,
  };
}

export const CUSTOM = customModel('custom', 'system_custom', false);

const USER_CUSTOM = customModel('user custom', 'user_custom', true);

export const customOf = (userId: number): Model => ({ ...USER_CUSTOM, scope: { user_id: userId } });

/** A text that is JSON itself comes back as what it says: programs store their values so. */
function shownValue(row: Row): unknown {
  if (row['value'] === null) return null;
  const value = parseJson(Buffer.from(String(row['value'])));
  if (typeof value !== 'string') return value;
  try {
    return parseJson(Buffer.from(value));
  } catch {
    return value;
  }
}
