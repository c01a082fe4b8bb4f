// What a script finds in `event`: members are read from raw text when somebody looks, and written back only if they differ.
(function eventPart(kit) {
  const { parse, stringify, hasOwn, isTooLong } = kit;

  const METHOD = 0;
  const URI = 1;
  const SERVICE = 2;
  const RESOURCE = 3;
  const QUERY = 4;
  const HEADERS = 5;
  const CONTENT_TYPE = 6;
  const CONTENT = 7;
  const PAYLOAD = 8;
  const EVENT_RESOURCE = 9;
  const ANSWER_CONTENT = 10;
  const ANSWER_TYPE = 11;
  const ANSWER_HEADERS = 12;
  const ANSWER_STATUS = 13;
  const ANSWER_IS_JSON = 14;
  const HAS_ANSWER = 15;
  const FIELDS = 16;

  const TO_ROUTER = {
    __proto__: null,
    request: {
      __proto__: null,
      method: METHOD,
      parameters: QUERY,
      headers: HEADERS,
      payload: PAYLOAD,
      content: CONTENT,
      content_type: CONTENT_TYPE,
    },
    response: {
      __proto__: null,
      status_code: ANSWER_STATUS,
      content: ANSWER_CONTENT,
      content_type: ANSWER_TYPE,
      headers: ANSWER_HEADERS,
    },
  };

  /** Reads `length,length,…;texts` as the host packs it. */
  function unpack(packed) {
    const ends = { __proto__: null };
    let at = 0;
    let length = 0;
    let field = 0;
    for (; ; at++) {
      const code = packed.charCodeAt(at);
      if (code !== 44 && code !== 59) length = length * 10 + code - 48;
      else {
        ends[field++] = length;
        length = 0;
        if (code === 59) break;
      }
    }
    let end = at + 1;
    for (field = 0; field < FIELDS; field++) {
      end += ends[field];
      ends[field] = end;
    }
    const start = at + 1;
    return (index) => packed.slice(index === 0 ? start : ends[index - 1], ends[index]);
  }

  const decode = (text) => {
    const spaced = text.replaceAll('+', ' ');
    try {
      return decodeURIComponent(spaced);
    } catch {
      return spaced;
    }
  };

  function parseQuery(text) {
    const parameters = {};
    if (text === '') return parameters;
    for (const pair of text.split('&')) {
      if (pair === '') continue;
      const at = pair.indexOf('=');
      const name = decode(at < 0 ? pair : pair.slice(0, at));
      Object.defineProperty(parameters, name, {
        value: at < 0 ? '' : decode(pair.slice(at + 1)),
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
    return parameters;
  }

  function parsePayload(payload, content) {
    const text = payload === '' ? content : payload;
    if (text === '') return [];
    try {
      return parse(text);
    } catch {
      return null;
    }
  }

  /** The value of a member as it came. */
  function original(text, member) {
    const raw = text(member);
    switch (member) {
      case QUERY:
        return parseQuery(raw);
      case HEADERS:
        return raw === '' ? {} : parse(raw);
      case ANSWER_HEADERS:
        return raw === '' ? {} : parse(raw);
      case PAYLOAD:
        return parsePayload(raw, text(CONTENT));
      case EVENT_RESOURCE:
        return raw === '' ? null : parse(raw);
      case ANSWER_STATUS:
        return +raw;
      case ANSWER_CONTENT:
        return text(ANSWER_IS_JSON) === '1' ? parse(raw) : text(HAS_ANSWER) === '2' ? null : raw;
      case ANSWER_TYPE:
        return raw === '' ? null : raw;
      default:
        return raw;
    }
  }

  /** JSON of a value; undefined: it has none. */
  function json(value) {
    if (typeof value === 'string' && value.length > kit.outputLimit) throw isTooLong;
    return stringify(value);
  }

  /** JSON of a member that may have changed, undefined where it is what it was. */
  function changed(text, member, value) {
    const now = json(value) ?? 'null';
    const raw = text(member);
    if (now === raw && (member === ANSWER_CONTENT || member === HEADERS || member === ANSWER_HEADERS)) return undefined;
    if (member === PAYLOAD && now === (raw === '' ? text(CONTENT) : raw)) return undefined;
    return now === stringify(original(text, member)) ? undefined : now;
  }

  function makeRequest(store) {
    const { get, set } = store;
    return {
      api_version: '2.0',
      get method() {
        return get(METHOD);
      },
      set method(value) {
        set(METHOD, value);
      },
      get parameters() {
        return get(QUERY);
      },
      set parameters(value) {
        set(QUERY, value);
      },
      get headers() {
        return get(HEADERS);
      },
      set headers(value) {
        set(HEADERS, value);
      },
      get payload() {
        return get(PAYLOAD);
      },
      set payload(value) {
        set(PAYLOAD, value);
      },
      get content() {
        return get(CONTENT);
      },
      set content(value) {
        set(CONTENT, value);
      },
      get content_type() {
        return get(CONTENT_TYPE);
      },
      set content_type(value) {
        set(CONTENT_TYPE, value);
      },
      get uri() {
        return get(URI);
      },
      set uri(value) {
        set(URI, value);
      },
      get service() {
        return get(SERVICE);
      },
      set service(value) {
        set(SERVICE, value);
      },
      get resource() {
        return get(RESOURCE);
      },
      set resource(value) {
        set(RESOURCE, value);
      },
    };
  }

  function makeResponse(store) {
    const { get, set } = store;
    return {
      get status_code() {
        return get(ANSWER_STATUS);
      },
      set status_code(value) {
        set(ANSWER_STATUS, value);
      },
      get content() {
        return get(ANSWER_CONTENT);
      },
      set content(value) {
        set(ANSWER_CONTENT, value);
      },
      get content_type() {
        return get(ANSWER_TYPE);
      },
      set content_type(value) {
        set(ANSWER_TYPE, value);
      },
      get headers() {
        return get(ANSWER_HEADERS);
      },
      set headers(value) {
        set(ANSWER_HEADERS, value);
      },
    };
  }

  function makeStore(text) {
    const values = { __proto__: null };
    let touched = 0;
    return {
      text,
      isTouched: (member) => (touched & (1 << member)) !== 0,
      get(member) {
        if ((touched & (1 << member)) === 0) {
          touched |= 1 << member;
          values[member] = original(text, member);
        }
        return values[member];
      },
      set(member, value) {
        touched |= 1 << member;
        values[member] = value;
      },
    };
  }

  let setReturned;
  const methods = {
    __proto__: Object.prototype,
    setRequest(request) {
      this.request = request;
    },
    setResponse(content, statusCode = 200, contentType = 'application/json') {
      this.response = { status_code: statusCode, content, content_type: contentType };
    },
    setReturn(content) {
      setReturned(content);
    },
  };

  /** Those of the members that differ, as one JSON object; empty: none does. */
  function writeMembers(names, store, value, isOurs) {
    let out = '';
    for (const name in names) {
      const member = names[name];
      if (isOurs ? !store.isTouched(member) : !hasOwn(value, name)) continue;
      const text = changed(store.text, member, value[name]);
      if (text !== undefined) out += `${out === '' ? '{' : ','}"${name}":${text}`;
    }
    return out === '' ? '' : `${out}}`;
  }

  /** Makes the event of one run. `collect(returned)` gives what came of it: [request, response, returned, stop]. */
  function makeEvent(packed) {
    const store = makeStore(unpack(packed));
    const request = makeRequest(store);
    const response = store.text(HAS_ANSWER) === '0' ? undefined : makeResponse(store);
    const event = { __proto__: methods, request };
    if (response !== undefined) event.response = response;
    event.resource = store.get(EVENT_RESOURCE);
    let overruled = false;
    let overruling;
    setReturned = (value) => {
      overruled = true;
      overruling = value;
    };

    function collect(value) {
      const returned = overruled ? overruling : value;
      let returnedJson = returned === event ? '' : (json(returned) ?? '');
      switch (returnedJson) {
        case 'null':
        case 'false':
        case '0':
        case '-0':
        case '""':
        case '[]':
        case '{}':
          returnedJson = '';
      }
      const nowRequest = event.request;
      const nowResponse = event.response;
      return {
        __proto__: null,
        request:
          nowRequest !== null && typeof nowRequest === 'object'
            ? writeMembers(TO_ROUTER.request, store, nowRequest, nowRequest === request)
            : '',
        response:
          nowResponse === undefined
            ? ''
            : nowResponse === response
              ? writeMembers(TO_ROUTER.response, store, response, true)
              : (json(nowResponse) ?? ''),
        returned: returnedJson,
        exception: event.exception,
        stop:
          event.stop_propagation === true ||
          (returned !== null && typeof returned === 'object' && returned.stop_propagation === true),
      };
    }
    return { event, collect };
  }

  return { makeEvent };
});
