/** Identifiers of records as parameters of the columns' types. */
import { type Key as KeyOf, KeyReader } from '#common/records/keys.ts';
import type { FieldView } from '#common/schema/extras.ts';
import { operandCoercionOf } from '../compile/coerce.ts';
import type { Dialect } from '../dialect.ts';
import type { Param } from '../statement.ts';

export type Key = KeyOf<Param>;

export const keyReader = (fields: readonly FieldView[], dialect: Dialect): KeyReader<Param> =>
  new KeyReader(fields, (field) => operandCoercionOf(field, dialect));
