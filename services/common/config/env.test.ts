import { describe, expect, test } from 'vitest';
import { EnvReader } from './env.ts';

/** What one read gives for one text, and what the reader then says. */
function read<T>(text: string | undefined, how: (reader: EnvReader) => T): { value: T; fault: string | undefined } {
  const reader = new EnvReader({ X: text });
  const value = how(reader);
  try {
    reader.finish({});
    return { value, fault: undefined };
  } catch (error) {
    return { value, fault: (error as Error).message };
  }
}

describe('whole numbers', () => {
  const CASES = [
    { text: undefined, value: 7 },
    { text: '', value: 7 },
    { text: '1', value: 1 },
    { text: ' 80 ', value: 80 },
    { text: '+5', value: 5 },
    { text: '100', value: 100 },
    { text: '0', fault: true },
    { text: '101', fault: true },
    { text: '-1', fault: true },
    { text: '1.5', fault: true },
    { text: '1e1', fault: true },
    { text: '0x10', fault: true },
    { text: '9'.repeat(400), fault: true },
    { text: 'many', fault: true },
    { text: ' ', fault: true },
  ];
  test.each(CASES)("'$text'", ({ text, value, fault }) => {
    const got = read(text, (reader) => reader.integer('X', 7, 1, 100));
    if (fault) expect(got.fault).toMatch(/\bX\b.*1.*100/);
    else expect(got).toEqual({ value, fault: undefined });
  });
});

describe('yes and no', () => {
  const CASES = [
    ...['1', 'true', 'TRUE', 'yes', 'on'].map((text) => ({ text, value: true })),
    ...['0', 'false', 'False', 'no', 'off'].map((text) => ({ text, value: false })),
    { text: undefined, value: true },
    { text: '', value: true },
    { text: 'maybe', fault: true },
    { text: '2', fault: true },
  ];
  test.each(CASES)(
    "'$text'",
    ({ text, value, fault }: { text?: string | undefined; value?: boolean; fault?: boolean }) => {
      const got = read(text, (reader) => reader.boolean('X', true));
      if (fault) expect(got.fault).toMatch(/\bX\b/);
      else expect(got).toEqual({ value, fault: undefined });
    },
  );
});

describe('one of several', () => {
  const CASES = [
    { text: undefined, value: 'strict' },
    { text: '', value: 'strict' },
    { text: 'uws', value: 'uws' },
    { text: 'UWS', fault: true },
    { text: 'other', fault: true },
  ];
  test.each(CASES)("'$text'", ({ text, value, fault }) => {
    const got = read(text, (reader) => reader.oneOf('X', 'strict', ['strict', 'uws']));
    if (fault) expect(got.fault).toMatch(/\bX\b.*strict, uws/);
    else expect(got).toEqual({ value, fault: undefined });
  });
});

describe('lists', () => {
  const CASES = [
    { text: undefined, value: ['here'] },
    { text: '', value: ['here'] },
    { text: 'a', value: ['a'] },
    { text: ' a, b ,,c,', value: ['a', 'b', 'c'] },
  ];
  test.each(CASES)("'$text'", ({ text, value }) => {
    expect(read(text, (reader) => reader.list('X', ['here'])).value).toEqual(value);
  });
});

describe('text', () => {
  const CASES = [
    { text: undefined, string: 'here', optional: undefined, isMissing: true },
    { text: '', string: 'here', optional: undefined, isMissing: true },
    { text: 'there', string: 'there', optional: 'there', isMissing: false },
  ];
  test.each(CASES)("'$text'", ({ text, string, optional, isMissing }) => {
    expect(read(text, (reader) => reader.string('X', 'here')).value).toBe(string);
    expect(read(text, (reader) => reader.optional('X')).value).toBe(optional);
    const { value, fault } = read(text, (reader) => reader.required('X', 'where to listen'));
    if (isMissing) expect(fault).toMatch(/\bX\b.*where to listen/);
    else expect({ value, fault }).toEqual({ value: text, fault: undefined });
  });
});

test('all faults are named at once', () => {
  const reader = new EnvReader({ A: 'x', B: 'x' });
  reader.integer('A', 1, 0, 9);
  reader.boolean('B', true);
  reader.required('C', 'needed');
  reader.fault('D and E exclude each other');
  expect(() => reader.finish({})).toThrow(/\bA\b.*\bB\b.*\bC\b.*\bD and E\b/);
  expect(() => reader.finish({})).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('what was read cannot be changed afterwards', () => {
  const config = new EnvReader({}).finish({ port: 1 });
  expect(() => Object.assign(config, { port: 2 })).toThrow(TypeError);
});
