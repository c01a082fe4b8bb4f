// For scripts whose outcomes are remembered: what all runs of a realm share cannot be changed, so that nothing of one run
// is left for the next.
(function hardenPart() {
  const { freeze, defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Object;
  const { ownKeys } = Reflect;

  /** Reached by what the language itself makes, and by the names that purity.ts lets scripts use. */
  const ROOTS = [
    ...[Object, Function, Array, String, Number, Boolean, BigInt, Symbol, RegExp, Date, Map, Set, JSON, Math],
    ...[Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, Promise],
    ...[
      parseInt,
      parseFloat,
      Number.isNaN,
      Number.isFinite,
      encodeURIComponent,
      decodeURIComponent,
      encodeURI,
      decodeURI,
    ],
    ...[[][Symbol.iterator](), ''[Symbol.iterator](), new Map().entries(), new Set().values(), ''.matchAll(/x/g)],
    ...[async () => {}, function* () {}, async function* () {}],
  ];
  /** Of these, objects of a script may have members of the same names. */
  const HEIRS = [Object.prototype, Error.prototype];
  for (const one of [TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError])
    HEIRS.push(one.prototype);

  /** What was frozen would keep a script from giving its own object such a member. */
  function letOthersHave(shared, name) {
    const { value, configurable } = getOwnPropertyDescriptor(shared, name);
    if (value === undefined || !configurable) return;
    defineProperty(shared, name, {
      get: () => value,
      set(own) {
        if (this === shared) return;
        defineProperty(this, name, { value: own, writable: true, enumerable: true, configurable: true });
      },
    });
  }

  function refuse() {
    throw new EvalError('Functions are not made from text here.');
  }

  return function harden() {
    for (const name of ownKeys(RegExp)) {
      // What was last found, of any run.
      if (typeof name === 'string' && getOwnPropertyDescriptor(RegExp, name).get !== undefined) delete RegExp[name];
    }
    for (const maker of [() => {}, async () => {}, function* () {}, async function* () {}]) {
      defineProperty(getPrototypeOf(maker), 'constructor', { value: refuse, writable: false, configurable: false });
    }
    for (const shared of HEIRS) for (const name of ownKeys(shared)) letOthersHave(shared, name);
    const seen = new Set();
    const waiting = [...ROOTS];
    while (waiting.length > 0) {
      const one = waiting.pop();
      if (one === null || (typeof one !== 'object' && typeof one !== 'function') || seen.has(one)) continue;
      seen.add(one);
      for (const key of ownKeys(one)) {
        const { value, get, set } = getOwnPropertyDescriptor(one, key);
        waiting.push(value, get, set);
      }
      waiting.push(getPrototypeOf(one));
      freeze(one);
    }
  };
});
