/** Conditions and which employees they find, the same for every engine. */
import { create } from '@bufbuild/protobuf';
import { all, any, is, not } from '#common/testing/words.ts';
import { type Filter, Moment_Base as MomentBase, OperandSchema } from '#proto/data/v1/data_pb.ts';

const moment = (base: MomentBase, offsetSeconds = 0) =>
  create(OperandSchema, { kind: { case: 'moment', value: { base, offsetSeconds } } });

/** Ids of the employees that a condition finds. */
export const FILTER_CASES: readonly (readonly [why: string, filter: Filter, ids: readonly number[]])[] = [
  ['equal', is('age', '=', 41), [2, 5]],
  ['equal, text for a number', is('age', '=', '41'), [2, 5]],
  ['not equal leaves NULL out', is('age', '!=', 41), [1, 4]],
  ['greater', is('age', '>', 41), [4]],
  ['greater or equal', is('age', '>=', 41), [2, 4, 5]],
  ['less', is('age', '<', 41), [1]],
  ['less or equal', is('age', '<=', 41), [1, 2, 5]],
  ['a decimal', is('salary', '=', '100.25'), [1]],
  ['a decimal that is zero', is('salary', '<=', 0), [5]],
  ['a text', is('name', '=', "C'mon 50%"), [3]],
  ['a text beyond ASCII', is('name', '=', 'Dörte_☃'), [4]],
  ['text is ordered', is('name', '>', 'Bz'), [3, 4, 5]],
  ['a date', is('born', '=', '1980-12-31'), [2, 5]],
  ['dates are ordered', is('born', '<', '1980-12-31'), [4]],
  ['a timestamp', is('seen', '>', '2024-01-02 03:04:05'), [3, 4]],
  ['true', is('active', '=', true), [1, 3, 4]],
  ['false in words', is('active', '=', 'false'), [2, 5]],
  ['one', is('active', '=', 1), [1, 3, 4]],
  ['like with wildcards', is('name', 'like', '%o%'), [2, 3]],
  ['like with one character', is('name', 'like', 'E_e'), [5]],
  ['like without wildcards', is('name', 'like', 'Ann'), [1]],
  ['like on a number', is('age', 'like', '4%'), [2, 5]],
  ['contains', is('name', 'contains', 'mon'), [3]],
  ['starts with', is('name', 'starts with', 'D'), [4]],
  ['ends with', is('name', 'ends with', 've'), [5]],
  ['ends with on a number', is('age', 'ends with', '1'), [2, 5]],
  ['in', is('age', 'in', 30, 52), [1, 4]],
  ['in, one value', is('age', 'in', 30), [1]],
  ['in, texts', is('name', 'in', "C'mon 50%", 'Eve', 'nobody'), [3, 5]],
  ['in, dates', is('born', 'in', '1990-05-01', '1970-01-01'), [1, 4]],
  ['in, decimals', is('salary', 'in', '100.25', 0), [1, 5]],
  ['in, booleans', is('active', 'in', false), [2, 5]],
  ['not in leaves NULL out', not(is('age', 'in', 30, 52)), [2, 5]],
  ['between, both ends in it', is('age', 'between', 30, 41), [1, 2, 5]],
  ['between dates', is('born', 'between', '1970-01-01', '1980-12-31'), [2, 4, 5]],
  ['NULL', is('age', 'is null'), [3]],
  ['not NULL', not(is('age', 'is null')), [1, 2, 4, 5]],
  ['and', all(is('age', '=', 41), is('name', 'starts with', 'E')), [5]],
  ['or', any(is('age', '=', 30), is('name', 'starts with', 'E')), [1, 5]],
  ['not', not(any(is('age', '=', 30), is('age', '=', 52))), [2, 5]],
  ['and in or', any(all(is('age', '=', 41), is('active', '=', true)), is('id', '=', 4)), [4]],
  ['or in and', all(any(is('id', '=', 2), is('id', '=', 3)), not(is('age', 'is null'))), [2]],
  ['no condition of all', all(), [1, 2, 3, 4, 5]],
  ['no condition of any', any(), []],
  ['deep', Array.from({ length: 99 }).reduce<Filter>((inner) => not(inner), is('id', '=', 1)), [2, 3, 4, 5]],
  ['now', is('seen', '<', moment(MomentBase.TIMESTAMP)), [1, 3, 4]],
  ['now and a hundred years before', is('seen', '<', moment(MomentBase.TIMESTAMP, -100 * 365 * 86_400)), []],
  ['today', is('born', '<=', moment(MomentBase.DATE)), [1, 2, 4, 5]],
  ['a field of a related record', is('dept_by_dept_id.name', '=', 'Sales'), [1, 2]],
  ['records that have none', not(is('dept_by_dept_id.name', 'like', '%')), [4]],
];

export const FAILING_FILTERS: readonly (readonly [why: string, filter: Filter, field: string])[] = [
  ['a field that there is not', is('nothing', '=', 1), 'nothing'],
  ['a word for a whole number', is('age', '=', 'many'), 'age'],
  ['a word among whole numbers', is('age', 'in', 1, 'many'), 'age'],
  ['a word for a decimal', is('salary', '>', 'much'), 'salary'],
  ['a whole number beyond 64 bits', is('age', '=', '99999999999999999999'), 'age'],
];
