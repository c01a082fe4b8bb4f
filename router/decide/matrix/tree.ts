/** What a connector does with a filter tree, on rows in memory: comparisons with nothing are neither true nor false. */
import { Comparator, type Filter, type Value } from '#proto/data/v1/data_pb.ts';
import type { Row } from './model.ts';

/** undefined: unknown, as in SQL. */
type Truth = boolean | undefined;

export function holds(filter: Filter | undefined, parameters: readonly Value[], row: Row): boolean {
  return filter === undefined || truthOf(filter, parameters, row) === true;
}

function truthOf({ node }: Filter, parameters: readonly Value[], row: Row): Truth {
  switch (node.case) {
    case 'all': {
      const truths = node.value.filters.map((one) => truthOf(one, parameters, row));
      return truths.includes(false) ? false : truths.includes(undefined) ? undefined : true;
    }
    case 'any': {
      const truths = node.value.filters.map((one) => truthOf(one, parameters, row));
      return truths.includes(true) ? true : truths.includes(undefined) ? undefined : false;
    }
    case 'not': {
      const truth = truthOf(node.value, parameters, row);
      return truth === undefined ? undefined : !truth;
    }
    case 'comparison': {
      const { field, comparator, operands } = node.value;
      const values = operands.map(({ kind }) => {
        const value = kind.case === 'parameter' ? parameters[kind.value]?.kind : undefined;
        if (value?.case !== 'text' && value?.case !== 'number') throw new Error('A value of the filter is missing.');
        return value.value;
      });
      return compare(comparator, row[field], values);
    }
    default:
      throw new Error('A part of the filter is empty.');
  }
}

function compare(comparator: Comparator, found: unknown, [first = '', ...more]: readonly string[]): Truth {
  const isNull = found === null || found === undefined;
  if (comparator === Comparator.IS_NULL) return isNull;
  if (isNull) return undefined;
  const text = String(found);
  switch (comparator) {
    case Comparator.EQ:
      return text === first;
    case Comparator.NE:
      return text !== first;
    case Comparator.GT:
      return Number(text) > Number(first);
    case Comparator.GE:
      return Number(text) >= Number(first);
    case Comparator.LT:
      return Number(text) < Number(first);
    case Comparator.LE:
      return Number(text) <= Number(first);
    case Comparator.IN:
      return [first, ...more].includes(text);
    case Comparator.CONTAINS:
      return text.includes(first);
    case Comparator.STARTS_WITH:
      return text.startsWith(first);
    case Comparator.ENDS_WITH:
      return text.endsWith(first);
    default:
      throw new Error(`Comparator ${comparator} is not one of the matrix.`);
  }
}
