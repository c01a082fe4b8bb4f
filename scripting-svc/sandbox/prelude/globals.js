// What scripts expect to find beside the language: URL, text coding, base64, cloning, randomness, and `require`.
(function globalsPart(kit) {
  const { parse, stringify, ask } = kit;
  // biome-ignore lint/security/noGlobalEval: libraries are evaluated in the context that wants them.
  const evaluate = eval;
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const RANDOM_MAX = 65_536;
  const REPLACEMENT = 0xfffd;

  function btoa(value) {
    const text = `${value}`;
    let out = '';
    for (let at = 0; at < text.length; at += 3) {
      const [a, b, c] = [text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2)];
      if (a > 255 || b > 255 || c > 255) throw new RangeError('btoa: a character is outside of Latin-1.');
      out += ALPHABET[a >> 2] + ALPHABET[((a & 3) << 4) | (b >> 4)];
      out += at + 1 < text.length ? ALPHABET[((b & 15) << 2) | (c >> 6)] : '=';
      out += at + 2 < text.length ? ALPHABET[c & 63] : '=';
    }
    return out;
  }

  function atob(value) {
    const text = `${value}`.replace(/[\t\n\f\r ]+/g, '').replace(/={1,2}$/, '');
    if (text.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(text)) throw new RangeError('atob: this is not base64.');
    let out = '';
    let bits = 0;
    let held = 0;
    for (const letter of text) {
      held = ((held << 6) | ALPHABET.indexOf(letter)) & 0xffff;
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        out += String.fromCharCode((held >> bits) & 255);
      }
    }
    return out;
  }

  class TextEncoder {
    get encoding() {
      return 'utf-8';
    }
    encode(value = '') {
      const binary = unescape(encodeURIComponent(`${value}`.toWellFormed()));
      const bytes = new Uint8Array(binary.length);
      for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
      return bytes;
    }
  }

  /** Code point at `at` and how many bytes it takes; what is no UTF-8 is replaced byte by byte. */
  function readCodePoint(bytes, at) {
    const first = bytes[at];
    if (first < 0x80) return [first, 1];
    const count =
      first >= 0xf0 && first < 0xf5 ? 3 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xc2 && first < 0xe0 ? 1 : 0;
    if (count === 0) return [REPLACEMENT, 1];
    let code = first & (0x3f >> count);
    for (let next = 1; next <= count; next++) {
      if ((bytes[at + next] & 0xc0) !== 0x80) return [REPLACEMENT, 1];
      code = (code << 6) | (bytes[at + next] & 0x3f);
    }
    const least = count === 1 ? 0x80 : count === 2 ? 0x800 : 0x10000;
    return code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? [REPLACEMENT, 1] : [code, count + 1];
  }

  class TextDecoder {
    constructor(label = 'utf-8') {
      if (!/^utf-?8$/i.test(label)) throw new RangeError('TextDecoder knows UTF-8 only.');
    }
    get encoding() {
      return 'utf-8';
    }
    decode(value = new Uint8Array()) {
      const bytes = ArrayBuffer.isView(value)
        ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
        : new Uint8Array(value);
      let out = '';
      for (let at = 0; at < bytes.length; ) {
        const [code, length] = readCodePoint(bytes, at);
        if (at > 0 || code !== 0xfeff) out += String.fromCodePoint(code);
        at += length;
      }
      return out;
    }
  }

  const encode = (text) => encodeURIComponent(text).replaceAll('%20', '+');
  const decode = (text) => {
    try {
      return decodeURIComponent(text.replaceAll('+', ' '));
    } catch {
      return text;
    }
  };

  class URLSearchParams {
    #pairs = [];
    #changed;
    constructor(init = '', changed = () => {}) {
      if (typeof init === 'string') this.#read(init);
      else {
        const pairs = typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init);
        for (const [name, value] of pairs) this.#pairs.push([`${name}`, `${value}`]);
      }
      this.#changed = changed;
    }
    #read(text) {
      for (const pair of text.replace(/^\?/, '').split('&')) {
        if (pair === '') continue;
        const at = pair.indexOf('=');
        this.#pairs.push([decode(at < 0 ? pair : pair.slice(0, at)), at < 0 ? '' : decode(pair.slice(at + 1))]);
      }
    }
    get size() {
      return this.#pairs.length;
    }
    get(name) {
      return this.#pairs.find((pair) => pair[0] === `${name}`)?.[1] ?? null;
    }
    getAll(name) {
      return this.#pairs.filter((pair) => pair[0] === `${name}`).map((pair) => pair[1]);
    }
    has(name) {
      return this.#pairs.some((pair) => pair[0] === `${name}`);
    }
    append(name, value) {
      this.#pairs.push([`${name}`, `${value}`]);
      this.#changed(this.toString());
    }
    set(name, value) {
      const first = this.#pairs.find((pair) => pair[0] === `${name}`);
      if (first === undefined) this.#pairs.push([`${name}`, `${value}`]);
      else {
        first[1] = `${value}`;
        this.#pairs = this.#pairs.filter((pair) => pair === first || pair[0] !== `${name}`);
      }
      this.#changed(this.toString());
    }
    delete(name) {
      this.#pairs = this.#pairs.filter((pair) => pair[0] !== `${name}`);
      this.#changed(this.toString());
    }
    sort() {
      this.#pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
      this.#changed(this.toString());
    }
    forEach(callback) {
      for (const [name, value] of this.#pairs) callback(value, name, this);
    }
    *entries() {
      for (const [name, value] of this.#pairs) yield [name, value];
    }
    *keys() {
      for (const [name] of this.#pairs) yield name;
    }
    *values() {
      for (const [, value] of this.#pairs) yield value;
    }
    [Symbol.iterator]() {
      return this.entries();
    }
    toString() {
      return this.#pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
    }
  }

  const URL_PARTS = [
    'protocol',
    'username',
    'password',
    'host',
    'hostname',
    'port',
    'pathname',
    'search',
    'hash',
    'href',
  ];

  /** The host takes it apart: it knows the standard. */
  class URL {
    #parts;
    #searchParams;
    constructor(href, base) {
      this.#ask({ href: `${href}`, base: base === undefined ? undefined : `${base}` });
    }
    #ask(question) {
      const answer = ask('url', stringify(question));
      if (answer === '') throw new TypeError('Invalid URL');
      this.#parts = parse(answer);
    }
    static canParse(href, base) {
      try {
        return new URL(href, base) !== undefined;
      } catch {
        return false;
      }
    }
    static {
      for (const name of URL_PARTS) {
        Object.defineProperty(URL.prototype, name, {
          enumerable: true,
          configurable: true,
          get() {
            return this.#parts[name];
          },
          set(value) {
            this.#ask({ href: this.#parts.href, name, value: `${value}` });
            if (name === 'search' || name === 'href') this.#searchParams = undefined;
          },
        });
      }
    }
    get origin() {
      return this.#parts.origin;
    }
    get searchParams() {
      this.#searchParams ??= new URLSearchParams(this.#parts.search, (text) => {
        this.#ask({ href: this.#parts.href, name: 'search', value: text });
      });
      return this.#searchParams;
    }
    toString() {
      return this.#parts.href;
    }
    toJSON() {
      return this.#parts.href;
    }
  }

  function clone(value, seen) {
    if (typeof value === 'function' || typeof value === 'symbol') throw new TypeError('This cannot be cloned.');
    if (value === null || typeof value !== 'object') return value;
    if (seen.has(value)) return seen.get(value);
    const keep = (copy) => {
      seen.set(value, copy);
      return copy;
    };
    if (value instanceof Date) return keep(new Date(value.getTime()));
    if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
    if (value instanceof ArrayBuffer) return keep(value.slice(0));
    if (ArrayBuffer.isView(value)) return keep(value.constructor.from(value));
    if (value instanceof Map) {
      const copy = keep(new Map());
      for (const [key, member] of value) copy.set(clone(key, seen), clone(member, seen));
      return copy;
    }
    if (value instanceof Set) {
      const copy = keep(new Set());
      for (const member of value) copy.add(clone(member, seen));
      return copy;
    }
    const copy = keep(Array.isArray(value) ? new Array(value.length) : {});
    if (value instanceof Error) {
      Object.setPrototypeOf(copy, Object.getPrototypeOf(value));
      copy.message = value.message;
    }
    for (const key of Object.keys(value)) {
      const given = { value: clone(value[key], seen), writable: true, enumerable: true, configurable: true };
      Object.defineProperty(copy, key, given);
    }
    return copy;
  }

  function random(count) {
    if (!(count >= 0 && count <= RANDOM_MAX)) throw new RangeError(`At most ${RANDOM_MAX} random bytes at a time.`);
    return ask('random', `${count}`);
  }

  const crypto = {
    getRandomValues(array) {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      const text = random(bytes.length);
      for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
      return array;
    },
    randomUUID: () => ask('uuid', ''),
  };

  const modules = new Map();

  function require(name) {
    const key = `${name}`;
    if (modules.has(key)) return modules.get(key).exports;
    const source = ask('library', key);
    if (source === '') throw new Error(`There is no module '${key}'; there are lodash, dayjs, uuid and ajv.`);
    const module = { exports: {} };
    modules.set(key, module);
    evaluate(source)(module, module.exports);
    return module.exports;
  }

  /** What an `import` of a bundled module gives. */
  function namespaceOf(name) {
    const exported = require(name);
    return { __proto__: null, ...exported, default: exported };
  }

  return {
    namespaceOf,
    globals: {
      TextEncoder,
      TextDecoder,
      URL,
      URLSearchParams,
      atob,
      btoa,
      crypto,
      require,
      structuredClone: (value) => clone(value, new Map()),
    },
  };
});
