/** How settings of a service are read: forms send much as text, and an empty one for what was left out. */
import type { ServiceConfig } from '../engine.ts';
import { invalid, type MillraceError } from '../errors.ts';

export const wrongSetting = (name: string, expected: string): MillraceError =>
  invalid(`Setting '${name}' must be ${expected}.`, { field: name });

/** Forms send an empty text for what was left out. */
function given(config: ServiceConfig, name: string): unknown {
  const value = config[name];
  return value === null || value === '' ? undefined : value;
}

export function text(config: ServiceConfig, name: string): string | undefined {
  const value = given(config, name);
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.includes('\0')) throw wrongSetting(name, 'text');
  return value.trim() || undefined;
}

/** Blanks are part of a password, and line ends of a key. */
export function secret(config: ServiceConfig, name: string): string | undefined {
  const value = given(config, name);
  if (value !== undefined && (typeof value !== 'string' || value.includes('\0'))) throw wrongSetting(name, 'text');
  return value;
}

export function integer(
  config: ServiceConfig,
  name: string,
  min: number,
  fallback: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  const raw = given(config, name);
  if (raw === undefined) return fallback;
  const value = typeof raw === 'string' && /^\s*-?\d+\s*$/.test(raw) ? Number(raw) : raw;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? '' : ` from ${min} to ${max}`;
    throw wrongSetting(name, `a whole number${range}`);
  }
  return value;
}

export function boolean(config: ServiceConfig, name: string): boolean {
  const value = given(config, name);
  if (value === undefined) return false;
  const word = String(value).toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(word)) return true;
  if (['false', '0', 'no', 'off'].includes(word)) return false;
  throw wrongSetting(name, 'true or false');
}

/** A list where an object is meant is what PHP clients send for an empty one. */
export function mapping(config: ServiceConfig, name: string): Record<string, string> {
  const value = given(config, name) ?? {};
  if (Array.isArray(value) && value.length === 0) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw wrongSetting(name, 'an object of names and values');
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => {
      if (!['string', 'number', 'boolean'].includes(typeof entry)) throw wrongSetting(`${name}.${key}`, 'text');
      return [key, String(entry)];
    }),
  );
}
