/** What leads from document to document: values that are the same as texts, whatever type they are stored as. */
import { stringifyJson } from '#common/json.ts';
import { attempt } from '#common/records/attempt.ts';
import type { FieldView } from '#common/schema/extras.ts';
import { Comparator, type Value } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { Condition } from '../engine.ts';
import { sensesOf } from '../plan/coerce.ts';
import { NEVER } from '../plan/conditions.ts';
import { tagOf } from '../residual/compare.ts';
import type { ServiceContext } from './context.ts';

/** What a value that leads somewhere is as text; null where it leads nowhere. */
export function linkText(value: Wire | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  const tag = tagOf(value);
  const inner = tag === undefined ? value : (value as Document)[tag];
  return typeof inner === 'string' ? inner : stringifyJson(inner);
}

/** Does the field hold one of these? What it cannot hold leads nowhere. */
export function leadsTo(field: FieldView, values: readonly string[], { engine }: ServiceContext): Condition {
  const senses = values.flatMap((text) => {
    const known = attempt(() => sensesOf(textValue(text), field, engine.senses));
    return 'error' in known ? [] : known;
  });
  const operands = [...new Set(senses)];
  if (operands.length === 0) return NEVER;
  return { kind: 'compare', field: field.name, comparator: Comparator.IN, operands };
}

const textValue = (value: string): Value => ({ $typeName: 'millrace.data.v1.Value', kind: { case: 'text', value } });
