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
  const ABSENT = 16;
  const FIELDS = 17;

  // What the router takes back: names and where they are.
  const REQUEST_NAMES = ['method', 'parameters', 'headers', 'payload', 'content', 'content_type'];
  const REQUEST_MEMBERS = [METHOD, QUERY, HEADERS, PAYLOAD, CONTENT, CONTENT_TYPE];
  // Without the content, which travels by itself.
  const RESPONSE_NAMES = ['status_code', 'content_type', 'headers'];
  const RESPONSE_MEMBERS = [ANSWER_STATUS, ANSWER_TYPE, ANSWER_HEADERS];

  const REQUEST_SIZE = 10;
  const RESPONSE_SIZE = 4;
  const { ownKeys } = Reflect;
  const { isExtensible, getPrototypeOf, getOwnPropertyDescriptor, defineProperty, freeze, keys } = Object;
  const ordinary = Object.prototype;

  // Of the run that is on: a realm has one at a time, and what is not made anew need not be collected.
  let packed = '';
  const ends = new Int32Array(FIELDS + 1);
  const values = new Array(FIELDS).fill(undefined);
  let touched = 0;
  // Masks of members: those that somebody has looked at, those that were not sent, and whether one of these is wanted.
  let reads = 0;
  let absent = 0;
  let lacks = false;
  let resource;
  let isResourceRead = false;
  let request;
  let response;
  let ourRequest;
  let ourResponse;
  let isRequestOurs = true;
  let isResponseOurs = true;
  let overruled = false;
  let overruling;

  /** Reads the lengths in front, `length,length,…;`. */
  function unpack(text) {
    packed = text;
    let length = 0;
    let field = 0;
    let at = 0;
    for (; field < FIELDS; at++) {
      const code = text.charCodeAt(at);
      if (code !== 44 && code !== 59) length = length * 10 + code - 48;
      else {
        ends[++field] = length;
        length = 0;
      }
    }
    ends[0] = at;
    for (field = 1; field <= FIELDS; field++) ends[field] += ends[field - 1];
  }

  const text = (member) => packed.slice(ends[member], ends[member + 1]);
  const isEmpty = (member) => ends[member] === ends[member + 1];

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
      defineProperty(parameters, name, {
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

  /** Notes that the outcome depends on a member. */
  function look(member) {
    const bit = 1 << member;
    reads |= bit;
    if ((absent & bit) === 0) return;
    lacks = true;
    throw new Error('The event is to be sent in full.');
  }

  /** The value of a member as it came. */
  function original(member) {
    look(member);
    const raw = text(member);
    switch (member) {
      case QUERY:
        return parseQuery(raw);
      case HEADERS:
        return raw === '' ? {} : parse(raw);
      case ANSWER_HEADERS:
        return raw === '' ? {} : parse(raw);
      case PAYLOAD:
        look(CONTENT);
        return parsePayload(raw, text(CONTENT));
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
  function changed(member, value) {
    look(member);
    if (member === PAYLOAD) look(CONTENT);
    const now = json(value) ?? 'null';
    const raw = text(member);
    if (now === raw && (member === ANSWER_CONTENT || member === HEADERS || member === ANSWER_HEADERS)) return undefined;
    if (member === PAYLOAD && now === (raw === '' ? text(CONTENT) : raw)) return undefined;
    return now === stringify(original(member)) ? undefined : now;
  }

  function get(member) {
    if ((touched & (1 << member)) === 0) {
      touched |= 1 << member;
      values[member] = original(member);
    }
    return values[member];
  }

  function set(member, value) {
    touched |= 1 << member;
    values[member] = value;
  }

  function makeRequest() {
    return {
      get api_version() {
        return '2.0';
      },
      set api_version(_) {},
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

  function makeResponse() {
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

  const methods = {
    setRequest(value) {
      this.request = value;
    },
    setResponse(content, statusCode = 200, contentType = 'application/json') {
      this.response = { status_code: statusCode, content, content_type: contentType };
    },
    setReturn(content) {
      overruled = true;
      overruling = content;
    },
  };

  /** An event in which nothing has answered yet. */
  function EarlyEvent() {
    defineProperty(this, 'request', requestProperty);
    defineProperty(this, 'resource', resourceProperty);
  }
  EarlyEvent.prototype = methods;

  /**
   * The object that is handed out, of the last run where that left it as it was: to make one with so many accessors
   * takes longer than many a script. They cannot be redefined, so that only additions have to be looked for.
   */
  function isAsMade(ours, size) {
    return (
      ours !== undefined && ownKeys(ours).length === size && isExtensible(ours) && getPrototypeOf(ours) === ordinary
    );
  }

  /** What outlives a run carries nothing into the next. */
  function freezeAccessors({ get, set }) {
    freeze(get);
    freeze(set);
  }

  function keep(made) {
    for (const name of keys(made)) {
      freezeAccessors(getOwnPropertyDescriptor(made, name));
      defineProperty(made, name, { configurable: false });
    }
    return made;
  }

  function giveRequest() {
    if (!isAsMade(ourRequest, REQUEST_SIZE)) ourRequest = keep(makeRequest());
    return ourRequest;
  }

  function giveResponse() {
    if (!isAsMade(ourResponse, RESPONSE_SIZE)) ourResponse = keep(makeResponse());
    return ourResponse;
  }

  const requestProperty = {
    enumerable: true,
    configurable: true,
    get() {
      if (request === undefined && isRequestOurs) request = giveRequest();
      return request;
    },
    set(value) {
      isRequestOurs = false;
      request = value;
    },
  };
  const resourceProperty = {
    enumerable: true,
    configurable: true,
    get() {
      if (!isResourceRead) {
        look(EVENT_RESOURCE);
        isResourceRead = true;
        resource = isEmpty(EVENT_RESOURCE) ? null : parse(text(EVENT_RESOURCE));
      }
      return resource;
    },
    set(value) {
      isResourceRead = true;
      resource = value;
    },
  };
  const responseProperty = {
    enumerable: true,
    configurable: true,
    get() {
      if (response === undefined && isResponseOurs) response = giveResponse();
      return response;
    },
    set(value) {
      isResponseOurs = false;
      response = value;
    },
  };

  function LateEvent() {
    defineProperty(this, 'request', requestProperty);
    defineProperty(this, 'response', responseProperty);
    defineProperty(this, 'resource', resourceProperty);
  }
  LateEvent.prototype = methods;
  for (const name of keys(methods)) freeze(methods[name]);
  freeze(methods);
  for (const property of [requestProperty, responseProperty, resourceProperty]) freezeAccessors(property);

  /** Those of the members that differ, as one JSON object; empty: none does. */
  function writeMembers(names, members, value, isOurs) {
    let out = '';
    for (let at = 0; at < members.length; at++) {
      const member = members[at];
      if (isOurs ? (touched & (1 << member)) === 0 : !hasOwn(value, names[at])) continue;
      const now = changed(member, isOurs ? values[member] : value[names[at]]);
      if (now !== undefined) out += `${out === '' ? '{' : ','}"${names[at]}":${now}`;
    }
    return out === '' ? '' : `${out}}`;
  }

  function writeRequest() {
    if (isRequestOurs) return writeMembers(REQUEST_NAMES, REQUEST_MEMBERS, undefined, true);
    if (request === null || typeof request !== 'object') return '';
    return writeMembers(REQUEST_NAMES, REQUEST_MEMBERS, request, false);
  }

  const hasOurAnswer = () => text(HAS_ANSWER) !== '0' && isResponseOurs;

  function writeResponse(event) {
    if (hasOurAnswer()) return writeMembers(RESPONSE_NAMES, RESPONSE_MEMBERS, undefined, true);
    return json(event.response) ?? '';
  }

  function writeContent() {
    if (!hasOurAnswer() || (touched & (1 << ANSWER_CONTENT)) === 0) return '';
    return changed(ANSWER_CONTENT, values[ANSWER_CONTENT]) ?? '';
  }

  function writeReturned(value, event) {
    if (value === event || value === undefined) return '';
    const out = json(value) ?? '';
    switch (out) {
      case 'null':
      case 'false':
      case '0':
      case '""':
      case '[]':
      case '{}':
        return '';
    }
    return out;
  }

  /** Makes the event of one run. */
  function makeEvent(packedText) {
    unpack(packedText);
    touched = 0;
    reads = 0;
    absent = +text(ABSENT);
    lacks = false;
    resource = undefined;
    isResourceRead = false;
    request = undefined;
    response = undefined;
    isRequestOurs = true;
    isResponseOurs = true;
    overruled = false;
    overruling = undefined;
    return text(HAS_ANSWER) === '0' ? new EarlyEvent() : new LateEvent();
  }

  /** What came of it, as JSON texts. */
  function collect(event, value) {
    const returned = overruled ? overruling : value;
    return {
      request: writeRequest(),
      response: writeResponse(event),
      content: writeContent(),
      returned: writeReturned(returned, event),
      exception: event.exception,
      stop:
        event.stop_propagation === true ||
        (returned !== null && typeof returned === 'object' && returned.stop_propagation === true),
    };
  }

  return {
    makeEvent,
    collect,
    reads: () => reads,
    lacks: () => lacks,
  };
});
