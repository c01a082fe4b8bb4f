/** The settings of a service against the fields that its type announced: merged per field, secrets masked. */
import type { ConfigField } from '#common/config/field.ts';
import type { Faults } from '../records/faults.ts';
import { isObject } from '../records/input.ts';
import type { JsonObject } from '../records/model.ts';
import { MASK } from '../secrets.ts';

/** @returns the settings to store; what the type does not know is left out */
export function mergeSettings(
  fields: readonly ConfigField[],
  stored: JsonObject,
  sent: JsonObject,
  faults: Faults,
): JsonObject {
  const merged: JsonObject = {};
  for (const field of fields) {
    const { name } = field;
    const keeps = !(name in sent) || (field.type === 'password' && sent[name] === MASK);
    const value = keeps ? stored[name] : readSetting(field, sent[name], faults);
    if (value !== undefined && value !== null) merged[name] = value;
    else if (field.required) faults.add(name, `The ${field.label} (${name}) setting is required.`);
  }
  return merged;
}

/** Every field of the type, in its order; null where it is neither set nor has a default. */
export function showSettings(fields: readonly ConfigField[], stored: JsonObject): JsonObject {
  return Object.fromEntries(
    fields.map((field) => {
      const value = stored[field.name] ?? field.default ?? null;
      return [field.name, field.type === 'password' && value !== null ? MASK : value];
    }),
  );
}

function readSetting(field: ConfigField, value: unknown, faults: Faults): unknown {
  if (value === null || value === undefined) return undefined;
  switch (field.type) {
    case 'integer':
      return readInteger(field, value, faults);
    case 'boolean':
      return readBoolean(field, value, faults);
    case 'array':
    case 'multi_picklist':
      if (Array.isArray(value)) return value;
      if (value === '' || (isObject(value) && Object.keys(value).length === 0)) return [];
      return fault(field, 'must be a list', faults);
    case 'object':
      if (isObject(value)) return value;
      if (value === '' || (Array.isArray(value) && value.length === 0)) return {};
      return fault(field, 'must be an object', faults);
    case 'picklist':
      return readPick(field, value, faults);
    default:
      return readText(field, value, faults);
  }
}

/** `false` is how clients know an unset number from the original's answers, and send it back. */
function readInteger(field: ConfigField, value: unknown, faults: Faults): number | undefined {
  if (value === '' || value === false) return undefined;
  const number = typeof value === 'string' ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : fault(field, 'must be a whole number', faults);
}

function readBoolean(field: ConfigField, value: unknown, faults: Faults): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (value === '') return undefined;
  if (/^(1|true|yes|on)$/i.test(String(value))) return true;
  return /^(0|false|no|off)$/i.test(String(value)) ? false : fault(field, 'must be true or false', faults);
}

function readPick(field: ConfigField, value: unknown, faults: Faults): string | undefined {
  if (value === '') return undefined;
  const names = (field.values ?? []).map((choice) => choice.name);
  return names.includes(String(value)) ? String(value) : fault(field, `must be one of ${names.join(', ')}`, faults);
}

function readText(field: ConfigField, value: unknown, faults: Faults): string | undefined {
  if (value === '') return undefined;
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return fault(field, 'must be a text', faults);
  return value.includes('\0') ? fault(field, 'must not hold a NUL character', faults) : value;
}

function fault(field: ConfigField, what: string, faults: Faults): undefined {
  faults.add(field.name, `The ${field.label} (${field.name}) setting ${what}.`);
  return undefined;
}
