/** Settings that services of several engines have, and how a setting is read. */
import type { ConfigField } from '#common/config/field.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { invalid } from '#common/errors.ts';

export const DEFAULT_MAX_RECORDS = 1000;

/** The form of an object of names and texts. */
export const NAME_TO_VALUE = {
  key: { label: 'Name', type: 'string' },
  value: { label: 'Value', type: 'string' },
};

/** The last fields of each database service, as clients know them (system-api §5.16). */
export const COMMON_FIELDS: readonly ConfigField[] = [
  {
    name: 'statements',
    label: 'Additional SQL Statements',
    type: 'array',
    description: 'SQL that runs on each new connection before it is used.',
    default: null,
    required: false,
    allow_null: true,
    items: 'string',
  },
  {
    name: 'allow_upsert',
    label: 'Allow Upsert',
    type: 'boolean',
    description: 'PUT and PATCH by identifier create the record where it does not exist.',
    default: false,
    allow_null: false,
  },
  {
    name: 'max_records',
    label: 'Maximum Records',
    type: 'integer',
    description: 'Most records that one answer holds; at least 1.',
    default: DEFAULT_MAX_RECORDS,
    allow_null: false,
  },
  {
    name: 'cache_enabled',
    label: 'Data Retrieval Caching Enabled',
    type: 'boolean',
    description: 'Keeps answers of GET requests without a body for a while.',
    default: false,
    required: false,
    allow_null: false,
  },
  {
    name: 'cache_ttl',
    label: 'Cache Time To Live (seconds)',
    type: 'integer',
    description: 'How long such an answer is kept.',
    default: 0,
    required: false,
    allow_null: false,
  },
];

export const wrong = (name: string, expected: string) =>
  invalid(`Setting '${name}' must be ${expected}.`, { field: name });

/** Forms send an empty text for what was left out. */
function given(config: ServiceConfig, name: string): unknown {
  const value = config[name];
  return value === null || value === '' ? undefined : value;
}

export function text(config: ServiceConfig, name: string): string | undefined {
  const value = given(config, name);
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.includes('\0')) throw wrong(name, 'text');
  return value.trim() || undefined;
}

/** Blanks are part of a password. */
export function password(config: ServiceConfig): string | undefined {
  const value = given(config, 'password');
  if (value !== undefined && (typeof value !== 'string' || value.includes('\0'))) throw wrong('password', 'text');
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
    throw wrong(name, `a whole number${range}`);
  }
  return value;
}

export function boolean(config: ServiceConfig, name: string): boolean {
  const value = given(config, name);
  if (value === undefined) return false;
  const word = String(value).toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(word)) return true;
  if (['false', '0', 'no', 'off'].includes(word)) return false;
  throw wrong(name, 'true or false');
}

/** A list where an object is meant is what PHP clients send for an empty one. */
export function mapping(config: ServiceConfig, name: string): Record<string, string> {
  const value = given(config, name) ?? {};
  if (Array.isArray(value) && value.length === 0) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong(name, 'an object of names and values');
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => {
      if (!['string', 'number', 'boolean'].includes(typeof entry)) throw wrong(`${name}.${key}`, 'text');
      return [key, String(entry)];
    }),
  );
}

export function statements(config: ServiceConfig): readonly string[] {
  const value = given(config, 'statements') ?? [];
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) {
    throw wrong('statements', 'a list of texts');
  }
  return value.filter((entry) => entry.trim() !== '');
}
