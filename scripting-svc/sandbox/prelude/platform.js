// `platform`: the API as the caller, who he is, the settings of the instance, and a small memory; and timers and fetch.
(function platformPart(kit) {
  const { parse, stringify, hasOwn, ask, tell, wait, leave, isNode, fail } = kit;
  const VERBS = { __proto__: null, get: 'GET', post: 'POST', put: 'PUT', patch: 'PATCH', delete: 'DELETE' };
  const CURL = /^(?:headers|parameters|CURLOPT_)/i;
  let waiting = new Map();
  let nextId = 1;
  const stored = new Map();

  const isMap = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

  function addHeaders(headers, given) {
    if (Array.isArray(given)) {
      for (const line of given) {
        const at = `${line}`.indexOf(':');
        if (at > 0) headers[`${line}`.slice(0, at).trim().toLowerCase()] = `${line}`.slice(at + 1).trim();
      }
    } else if (isMap(given)) for (const name of Object.keys(given)) headers[name.toLowerCase()] = `${given[name]}`;
  }

  function addParameters(path, given) {
    if (!isMap(given)) return path;
    let out = path;
    for (const name of Object.keys(given)) {
      const value = given[name];
      if (value === undefined || value === null) continue;
      const text = typeof value === 'object' ? stringify(value) : `${value}`;
      out += `${out.includes('?') ? '&' : '?'}${encodeURIComponent(name)}=${encodeURIComponent(text)}`;
    }
    return out;
  }

  /** One call as the host wants it. A GET has no body: what is given as one are its parameters. */
  function describe(verb, path, payload, options) {
    const headers = { __proto__: null };
    let target = `${path}`;
    if (isMap(options)) {
      addHeaders(headers, options.headers);
      target = addParameters(target, options.parameters);
    }
    let body = '';
    if (verb === 'GET') target = addParameters(target, payload);
    else if (typeof payload === 'string') body = payload;
    else if (payload !== undefined && payload !== null) body = stringify(payload) ?? '';
    if (body !== '' && headers['content-type'] === undefined) headers['content-type'] = 'application/json';
    return stringify({ verb, path: target, headers, body });
  }

  /** What the host says of an answer: a short JSON head, its length in front of it, and the body as it came. */
  function readAnswer(text) {
    const at = text.indexOf(';');
    const end = at + 1 + +text.slice(0, at);
    const head = parse(text.slice(at + 1, end));
    if (head.failure !== undefined) throw new Error(head.failure);
    return { head, body: text.slice(end) };
  }

  function makeAnswer({ head, body }) {
    let seen = false;
    let content;
    return {
      status_code: head.status,
      statusCode: head.status,
      content_type: head.contentType,
      headers: head.headers,
      get content() {
        if (!seen) {
          seen = true;
          content = body;
          if (head.isJson) {
            try {
              content = parse(body);
            } catch {}
          }
        }
        return content;
      },
      set content(value) {
        seen = true;
        content = value;
      },
    };
  }

  /** Asks the host for something that takes time; `done(text)` is called when it is there. */
  function start(kind, text, done) {
    if (tell === undefined) return leave();
    const id = nextId++;
    waiting.set(id, done);
    tell(kind, id, text);
    return id;
  }

  function callLater(request, callback) {
    if (typeof callback === 'function') {
      start('api', request, (text) => {
        const answer = readAnswer(text);
        callback(answer.body, makeAnswer(answer));
      });
      return undefined;
    }
    return new Promise((resolve, reject) => {
      start('api', request, (text) => {
        try {
          resolve(makeAnswer(readAnswer(text)));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  function callNow(request) {
    if (wait === undefined) return leave();
    return makeAnswer(readAnswer(wait.applySyncPromise(undefined, ['api', request])));
  }

  /** As in the original: (path, options, callback), (path, payload, callback) and (path, payload, options, callback). */
  function callNode(verb, path, rest) {
    let callback;
    let count = rest.length;
    for (let at = 0; at < rest.length; at++) {
      if (typeof rest[at] === 'function') {
        callback = rest[at];
        count = at;
        break;
      }
    }
    const bodiless = verb === 'GET' || verb === 'DELETE';
    const only = count === 1 ? rest[0] : undefined;
    if (bodiless && isMap(only) && Object.keys(only).some((name) => CURL.test(name))) {
      return callLater(describe(verb, path, undefined, only), callback);
    }
    return callLater(describe(verb, path, count > 0 ? rest[0] : undefined, count > 1 ? rest[1] : undefined), callback);
  }

  const call = isNode
    ? (verb, path, rest) => callNode(verb, path, rest)
    : (verb, path, rest) => callNow(describe(verb, path, rest[0], rest[1]));

  function makeApi() {
    const api = { call: (verb, path, ...rest) => call(`${verb}`.toUpperCase(), path, rest) };
    for (const name in VERBS) api[name] = (path, ...rest) => call(VERBS[name], path, rest);
    return api;
  }

  const store = {
    get: (key, fallback) => (stored.has(`${key}`) ? parse(stored.get(`${key}`)) : fallback),
    set(key, value) {
      const text = stringify(value);
      if (text === undefined) stored.delete(`${key}`);
      else stored.set(`${key}`, text);
    },
  };

  const SESSION = 1 << 14;
  const LOOKUPS = 1 << 15;
  // What the outcome depends on: a mask, as that of the event.
  let reads = 0;
  let lookups;

  function lookUp(kind) {
    reads |= LOOKUPS;
    lookups ??= parse(ask('lookups', ''));
    return lookups[kind];
  }

  /** A member that is read when somebody looks, and a value like any other once it is set. */
  function addLookups(session, name, kind) {
    Object.defineProperty(session, name, {
      get: () => lookUp(kind),
      set(value) {
        Object.defineProperty(session, name, { value, writable: true, enumerable: true, configurable: true });
      },
      enumerable: true,
      configurable: true,
    });
  }

  function makeSession() {
    const session = parse(ask('session', ''));
    addLookups(session, 'lookup', 'open');
    addLookups(session, 'lookup_secret', 'secret');
    return session;
  }

  let session;
  let config;
  const platform = {
    api: Object.freeze(makeApi()),
    store: Object.freeze(store),
    get session() {
      reads |= SESSION;
      session ??= makeSession();
      return session;
    },
    set session(value) {
      session = value;
    },
    get config() {
      config ??= parse(ask('config', ''));
      return config;
    },
    set config(value) {
      config = value;
    },
  };

  function fetch(url, init = {}) {
    const headers = { __proto__: null };
    if (isMap(init.headers)) addHeaders(headers, init.headers);
    const body = init.body === undefined || init.body === null ? '' : `${init.body}`;
    const request = stringify({ verb: `${init.method ?? 'GET'}`.toUpperCase(), path: `${url}`, headers, body });
    return new Promise((resolve, reject) => {
      start('fetch', request, (text) => {
        try {
          resolve(makeFetched(readAnswer(text)));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  function makeFetched({ head, body }) {
    return {
      ok: head.status >= 200 && head.status < 300,
      status: head.status,
      url: head.url,
      headers: {
        get: (name) => (hasOwn(head.headers, `${name}`.toLowerCase()) ? head.headers[`${name}`.toLowerCase()] : null),
        has: (name) => hasOwn(head.headers, `${name}`.toLowerCase()),
      },
      text: async () => body,
      json: async () => parse(body),
    };
  }

  function setTimer(handler, milliseconds, values, repeats) {
    if (typeof handler !== 'function') throw new TypeError('A timer needs a function.');
    const text = `${Math.max(1, Math.min(2_000_000_000, Number(milliseconds) || 0))}`;
    const fire = () => {
      if (repeats) {
        waiting.set(id, fire);
        tell('timer', id, text);
      }
      handler(...values);
    };
    const id = start('timer', text, fire);
    return id;
  }

  function clearTimer(id) {
    if (waiting.delete(id)) tell('clear', id, '');
  }

  /** What the host had to say: the answer of a call, or a timer's time has come. */
  function deliver(id, text) {
    const done = waiting.get(id);
    waiting.delete(id);
    if (done === undefined) return;
    try {
      done(text);
    } catch (error) {
      fail(error);
    }
  }

  return {
    platform,
    deliver,
    begin() {
      if (waiting.size > 0) waiting = new Map();
      session = undefined;
      config = undefined;
      lookups = undefined;
      reads = 0;
    },
    reads: () => reads,
    globals: {
      fetch,
      setTimeout: (handler, milliseconds, ...values) => setTimer(handler, milliseconds, values, false),
      setInterval: (handler, milliseconds, ...values) => setTimer(handler, milliseconds, values, true),
      setImmediate: (handler, ...values) => setTimer(handler, 1, values, false),
      clearTimeout: clearTimer,
      clearInterval: clearTimer,
      clearImmediate: clearTimer,
      queueMicrotask: (handler) => {
        if (tell === undefined) leave();
        Promise.resolve().then(handler).catch(fail);
      },
    },
  };
});
