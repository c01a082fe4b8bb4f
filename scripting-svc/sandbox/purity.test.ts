import { describe, expect, test } from 'vitest';
import { isPure } from './purity.ts';

const PURE = [
  '',
  'event.response.content.seen = true;',
  'if (!/^[1-9][0-9]*$/.test(event.resource)) { event.response = { status_code: 400, content: { error: 1 } }; }',
  'if (event.request.parameters.limit > 1000) throw new Error("too many");',
  'const { request } = event; return request.payload.resource.map(Number).filter(Boolean);',
  'for (const [name, value] of Object.entries(event.response.content)) if (value === null) delete event.response.content[name];',
  'var sum = 0; for (var i = 0; i < 3; i++) sum += i; function f(x) { return sum + x; } return f(1);',
  'if (platform.session.role.name !== "staff") delete event.response.content.salary;',
  'return new Date(event.request.payload.at).toISOString() + Math.round(1.5) + JSON.stringify([1]);',
  'try { JSON.parse(event.request.content) } catch (error) { return { error: error.message } }',
  'const seen = new Set(); const byId = new Map(); label: for (;;) { break label; }',
  'event = { request: event.request }; switch (1) { case 1: let a = 2; return a; }',
  'const o = { toString() { return "x" }, ["k" + 1]: 1, get it() { return 1 } }; return "" + o;',
];

const IMPURE: readonly (readonly [why: string, body: string])[] = [
  ['the time', 'return new Date()'],
  ['the time, as text', 'return Date()'],
  ['the time in numbers', 'return Date.now()'],
  ['chance', 'return Math.random()'],
  ['chance, under another name', 'const m = Math; return m.random()'],
  ['chance, by a computed name', 'return Math["ran" + "dom"]()'],
  ['logs', 'console.log(1)'],
  ['the API', 'return platform.api.get("x")'],
  ['the memory between runs', 'platform.store.set("a", 1)'],
  ['settings of the instance', 'return platform.config.version'],
  ['the platform as a value', 'const p = platform; return p.store.get("a")'],
  ['a global of its own', 'count = 1'],
  ['a global where the name is known elsewhere', '{ let count = 0; } count = 1;'],
  ['a global by a loop', 'for (key in {}) {}'],
  ['a global by a pattern', '[a, { b }] = [1, {}]'],
  ['a name of the language, written', 'String = null'],
  ['a name of the language, counted', 'Number++'],
  ['the global object', 'globalThis.a = 1'],
  ['the global object as `this`', 'this.a = 1'],
  ['the global object as `this` of a function', '(function () { this.a = 1 })()'],
  ['code from text', 'eval("1")'],
  ['code from a function', '(() => {}).constructor("return this")()'],
  ['code from a function, by another spelling', '(() => {})["constructor"]("return this")()'],
  ['what all arrays share', 'Array.prototype.x = 1'],
  ['what all objects share', '({}).__proto__.x = 1'],
  ['its caller', 'return arguments.callee'],
  ['later', 'setTimeout(() => {}, 1)'],
  ['promises', 'return Promise.resolve(1)'],
  ['async functions', '(async () => {})()'],
  ['generators', 'function* g() { yield 1 }'],
  ['what other realms may share', 'return Symbol.for("x")'],
  ['a function that knows all objects', 'Object.defineProperty(Object, "x", {})'],
  ['a library', 'return require("lodash")'],
  ['the last match', 'return RegExp.$1'],
  ['no code at all', 'return ('],
];

describe('isPure', () => {
  test.each(PURE)('yes: %s', (body) => expect(isPure(body)).toBe(true));
  test.each(IMPURE)('no: %s', (_, body) => expect(isPure(body)).toBe(false));
});
