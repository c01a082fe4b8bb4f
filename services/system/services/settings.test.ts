import { expect, test } from 'vitest';
import type { ConfigField } from '#common/config/field.ts';
import { Faults } from '../records/faults.ts';
import { mergeSettings, showSettings } from './settings.ts';

const field = (name: string, type: ConfigField['type'], more: Partial<ConfigField> = {}): ConfigField => ({
  name,
  label: name,
  type,
  description: '',
  ...more,
});

const FIELDS = [
  field('host', 'string', { required: true }),
  field('port', 'integer', { default: 5432 }),
  field('password', 'password'),
  field('ssl', 'boolean', { default: false }),
  field('mode', 'picklist', { values: [{ label: 'A', name: 'a' }] }),
  field('options', 'object'),
  field('statements', 'array', { items: 'string' }),
];

const merge = (stored: Record<string, unknown>, sent: Record<string, unknown>) => {
  const faults = new Faults();
  const merged = mergeSettings(FIELDS, stored, sent, faults);
  faults.check();
  return merged;
};

test.each([
  ['unknown keys are left out', {}, { host: 'h', nosuch: 1 }, { host: 'h' }],
  ['absent fields keep their value', { host: 'h', port: 1 }, { port: 2 }, { host: 'h', port: 2 }],
  ['the mask keeps a secret', { host: 'h', password: 's' }, { password: '**********' }, { host: 'h', password: 's' }],
  ['null clears a secret', { host: 'h', password: 's' }, { password: null }, { host: 'h' }],
  ['the mask is a text like any other elsewhere', {}, { host: '**********' }, { host: '**********' }],
  ['digits are a number', {}, { host: 'h', port: '15' }, { host: 'h', port: 15 }],
  ['an empty number is none', { host: 'h', port: 1 }, { port: '' }, { host: 'h' }],
  ['false is no number either', { host: 'h', port: 1 }, { port: false }, { host: 'h' }],
  ['words are flags', {}, { host: 'h', ssl: 'yes' }, { host: 'h', ssl: true }],
  ['a flag that is off stays', {}, { host: 'h', ssl: false }, { host: 'h', ssl: false }],
  ['an empty list is an empty map', {}, { host: 'h', options: [] }, { host: 'h', options: {} }],
  ['a known choice', {}, { host: 'h', mode: 'a' }, { host: 'h', mode: 'a' }],
])('%s', (_why, stored, sent, expected) => {
  expect(merge(stored, sent)).toEqual(expected);
});

test.each([
  ['host', {}],
  ['host', { host: '' }],
  ['host', { host: { a: 1 } }],
  ['host', { host: 'a\0b' }],
  ['port', { host: 'h', port: 'x' }],
  ['port', { host: 'h', port: 1.5 }],
  ['ssl', { host: 'h', ssl: 'maybe' }],
  ['mode', { host: 'h', mode: 'b' }],
  ['options', { host: 'h', options: 'x' }],
  ['statements', { host: 'h', statements: 'select 1' }],
])('%s is named: %j', (name, sent) => {
  expect(() => merge({}, sent)).toThrow(
    expect.objectContaining({ code: 'invalid', context: expect.objectContaining({ [name]: expect.any(Array) }) }),
  );
});

test('every field is shown, secrets masked', () => {
  expect(showSettings(FIELDS, { host: 'h', password: 's' })).toEqual({
    host: 'h',
    port: 5432,
    password: '**********',
    ssl: false,
    mode: null,
    options: null,
    statements: null,
  });
  expect(showSettings(FIELDS, {})['password']).toBeNull();
});
