/** Fields as they are read and compared: a column, or what the field's function makes of it. */
import { invalid } from '#common/errors.ts';
import type { Column, JsonKind } from '#common/schema/catalogue.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { quoteName } from '../compile/builder.ts';
import type { Dialect } from '../dialect.ts';
import { functionsOf } from './field-functions.ts';
import { expressionSql } from './sql.ts';

export interface Readable {
  readonly sql: string;
  /** Of a virtual field: one that is like what its function gives. */
  readonly column: Column;
}

/** @returns undefined for a virtual field without a function, or with one that does not fit the table any longer */
export function readable(
  field: FieldView,
  use: 'SELECT' | 'FILTER',
  table: TableView,
  dialect: Dialect,
): Readable | undefined {
  const plain = field.column && { sql: quoteName(field.column.name, dialect), column: field.column };
  const functions = functionsOf(field.dbFunction);
  const expression = functions?.[use] ?? (field.column ? undefined : functions?.SELECT);
  if (!expression) return plain ?? undefined;
  try {
    const sql = expressionSql(expression, dialect, {
      value: plain?.sql,
      field: (name) => {
        const named = table.byFieldName.get(name)?.column;
        if (!named) throw new Error('the field is gone');
        return quoteName(named.name, dialect);
      },
    });
    const { asColumn, castType } = dialect.expressions;
    if (field.column) return { sql: asColumn?.(sql, field.column) ?? sql, column: field.column };
    const type = castType(field.type) ?? castType('string') ?? 'text';
    return { sql: `cast(${sql} as ${type})`, column: virtualColumn(field, type) };
  } catch {
    return plain ?? undefined;
  }
}

/** How a value that is written becomes what the column holds: the placeholder itself where no function says otherwise. */
export function written(field: FieldView, use: 'INSERT' | 'UPDATE', placeholder: string, dialect: Dialect): string {
  const expression = functionsOf(field.dbFunction)?.[use];
  if (!expression) return placeholder;
  const noField = (): never => {
    throw new Error('checked when it was stored');
  };
  return expressionSql(expression, dialect, { value: placeholder, field: noField });
}

/** @throws MillraceError invalid, whose message follows the name of the field, for functions that this field cannot have */
export function checkFunctions(
  stored: unknown,
  isVirtual: boolean,
  isColumn: (name: string) => boolean,
  dialect: Dialect,
): void {
  for (const [use, expression] of Object.entries(functionsOf(stored) ?? {})) {
    const isWrite = use === 'INSERT' || use === 'UPDATE';
    expressionSql(expression, dialect, {
      value: isVirtual ? undefined : 'value',
      field: (name) => {
        if (isWrite) throw invalid(`a function for ${use} knows {value} and no field such as '${name}'`);
        if (!isColumn(name)) throw invalid(`the function names '${name}', which is no column of the table`);
        return name;
      },
    });
  }
}

const NUMBERS =
  /^(?:(?:big|medium|small)?id|(?:big|medium|small|tiny)int|integer|reference|user_id.*|decimal|float|double|money)$/;

function virtualColumn({ name, type }: FieldView, nativeType: string): Column {
  const json: JsonKind = NUMBERS.test(type)
    ? 'number'
    : type === 'boolean'
      ? 'boolean'
      : type === 'binary'
        ? 'bytes'
        : 'string';
  return {
    ...{ name, type, dbType: nativeType, nativeType, json, length: null, precision: null, scale: null, default: null },
    ...{ nullable: true, autoIncrement: false, generated: false, fixedLength: false, multibyte: true },
    ...{ primaryKey: false, unique: false, indexed: false, foreignKey: null },
  };
}
