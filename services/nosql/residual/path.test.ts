import { expect, test } from 'vitest';
import { parseJson } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';
import { getter } from './path.ts';

const read = (json: string): Document => parseJson(Buffer.from(json)) as Document;

/** What is there, where elements of lists do not count, and where they do. */
const CASES: readonly (readonly [field: string, json: string, plain: Wire | undefined, elements: Wire | undefined])[] =
  [
    ['a', '{"a":1}', 1, 1],
    ['a', '{"a":null}', null, null],
    ['a', '{}', undefined, undefined],
    ['a.b', '{"a":{"b":1}}', 1, 1],
    ['a.b', '{"a":1}', undefined, undefined],
    ['a.b', '{"a":null}', undefined, undefined],
    ['a.b', '{"a":"b"}', undefined, undefined],
    ['a.b', '{"a.b":1,"a":{"b":2}}', 1, 1],
    ['a.b', '{"a.b":null,"a":{"b":2}}', null, null],
    ['a.b.c', '{"a":{"b.c":1}}', undefined, undefined],
    ['a.0', '{"a":["x","y"]}', 'x', 'x'],
    ['a.1.b', '{"a":[1,{"b":2}]}', 2, 2],
    ['a.2', '{"a":["x"]}', undefined, undefined],
    ['a.-1', '{"a":["x"]}', undefined, undefined],
    ['a.length', '{"a":["x"]}', undefined, undefined],
    ['a.length', '{"a":"text"}', undefined, undefined],
    ['a.b', '{"a":[{"b":1},{"b":2},{},3]}', undefined, [1, 2]],
    ['a.b', '{"a":[{"b":[1,2]},{"b":3}]}', undefined, [1, 2, 3]],
    ['a.b', '{"a":[]}', undefined, undefined],
    ['a.b.c', '{"a":[{"b":[{"c":1}]},{"b":{"c":2}}]}', undefined, [1, 2]],
    ['a.digits', '{"a":9007199254740993}', undefined, undefined],
    ['__proto__', '{}', undefined, undefined],
    ['__proto__', '{"__proto__":1}', 1, 1],
    ['constructor', '{}', undefined, undefined],
    ['a.constructor', '{"a":{}}', undefined, undefined],
    ['a.__proto__', '{"a":{"__proto__":1}}', 1, 1],
    ['constructor.name', '{}', undefined, undefined],
    ['toString', '{}', undefined, undefined],
    ['.', '{"":{"":1}}', 1, 1],
    ['a.', '{"a":{"":1}}', 1, 1],
  ];
test.each(CASES)('%s of %s', (field, json, plain, elements) => {
  expect([getter(field, false)(read(json)), getter(field, true)(read(json))]).toEqual([plain, elements]);
});
