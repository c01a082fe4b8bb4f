// Runs first in every context: takes away what escapes the caps, puts the parts together, and is the only door to the host.
(function boot(parts, settings, host) {
  const { parse, stringify } = JSON;
  const { isNode, isPure, limits } = parse(settings);
  const { wait } = host;
  let messages = 0;

  /** A script that does nothing but speak to the host takes its thread from all the others. */
  function count() {
    if (++messages <= limits.messages) return;
    if (host.tell !== undefined && messages === limits.messages + 1) host.tell('flood', 0, '');
    throw new Error(`More than ${limits.messages} messages to the host.`);
  }

  function ask(what, text) {
    count();
    return host.ask(what, text);
  }

  function send(kind, id, text) {
    count();
    host.tell(kind, id, text);
  }

  const tell = host.tell === undefined ? undefined : send;

  // Memory beyond the heap, code that runs later than its run, and waiting that no cap sees.
  for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'FinalizationRegistry', 'WeakRef']) {
    delete globalThis[name];
  }
  delete ArrayBuffer.prototype.resize;
  delete ArrayBuffer.prototype.transfer;
  delete ArrayBuffer.prototype.transferToFixedLength;

  const isTooLong = { __proto__: null };
  const MESSAGE_LENGTH_MAX = 10_000;
  const TOLD = 1 << 16;
  let left = false;
  let failed = false;
  let failure;

  function leave() {
    left = true;
    throw new Error('This is done in the other lane.');
  }

  function fail(error) {
    if (failed) return;
    failed = true;
    failure = error;
  }

  const kit = {
    parse,
    stringify,
    hasOwn: Object.hasOwn,
    outputLimit: limits.outputBytes,
    limits,
    isNode,
    isTooLong,
    ask,
    tell,
    wait,
    leave,
    fail,
  };
  const { makeEvent, collect, reads, lacks } = parts.event(kit);
  const output = parts.console(kit);
  const platformPart = parts.platform(kit);
  const globalsPart = parts.globals(kit);
  for (const globals of [
    platformPart.globals,
    globalsPart.globals,
    { console: output.console, var_dump: output.var_dump, platform: platformPart.platform },
  ]) {
    for (const name of Object.keys(globals)) {
      Object.defineProperty(globalThis, name, {
        value: globals[name],
        writable: true,
        enumerable: false,
        configurable: true,
      });
    }
  }

  if (isPure) parts.harden()();

  let program;
  let event;
  let returned;

  function link(factory, ...namespaces) {
    const bound = [];
    for (const namespace of namespaces) {
      bound.push(typeof namespace === 'string' ? globalsPart.namespaceOf(namespace) : namespace);
    }
    program = factory(...bound);
  }

  function pack(kind, stop, a, b, c, d, e) {
    const seen = reads() | platformPart.reads() | TOLD;
    const lengths = `${a.length},${b.length},${c.length},${d.length},${e.length}`;
    return `${kind}${stop ? '1' : '0'}${seen},${lengths};${a}${b}${c}${d}${e}`;
  }

  const short = (value) => `${value}`.slice(0, MESSAGE_LENGTH_MAX);

  function messageOf(error) {
    if (error === null || typeof error !== 'object') return typeof error === 'symbol' ? 'A symbol.' : short(error);
    if (typeof error.message === 'string') return short(error.message);
    return short(stringify(error) ?? 'Something without a message.');
  }

  /** JSON of what was thrown, where it has more to say than its message. */
  function membersOf(error) {
    if (error === null || typeof error !== 'object') return '';
    const members = { ...error };
    const isError = error instanceof Error;
    if (Object.keys(members).length === 0) return '';
    if (isError) members.message = error.message;
    const text = stringify(members) ?? '';
    return text.length > limits.outputBytes ? '' : text;
  }

  function packFailure(error) {
    let [message, stack, members] = ['Something that cannot be described was thrown.', '', ''];
    try {
      message = messageOf(error);
      stack = error !== null && typeof error === 'object' && typeof error.stack === 'string' ? short(error.stack) : '';
      members = membersOf(error);
    } catch {}
    return pack('T', false, message, stack, members, '', output.takeLines());
  }

  function packOutcome() {
    const parts = collect(event, returned);
    // As the original's engines reported what was thrown; scripts may do the same.
    if (parts.exception !== null && typeof parts.exception === 'object') return packFailure(parts.exception);
    const { request, response, returned: value, content } = parts;
    if (request.length + response.length + value.length + content.length > limits.outputBytes) throw isTooLong;
    return pack('O', parts.stop, request, response, value, content, output.takeLines());
  }

  function packEnd() {
    if (failed) return packFailure(failure);
    try {
      return packOutcome();
    } catch (error) {
      return error === isTooLong ? 'X' : packFailure(error);
    }
  }

  /** What came of the run, as text. */
  function finish() {
    if (left && tell === undefined) return 'L';
    const end = packEnd();
    return lacks() ? 'A' : end;
  }

  /** Runs the script. In the quick lane this is all there is, else `deliver` and `finish` follow. */
  function start(packed) {
    left = false;
    failed = false;
    messages = 0;
    failure = undefined;
    returned = undefined;
    output.begin();
    platformPart.begin();
    try {
      event = makeEvent(packed);
      globalThis.event = event;
      const value = program.call(globalThis, event, platformPart.platform);
      if (value !== null && typeof value === 'object' && typeof value.then === 'function') {
        if (tell === undefined) left = true;
        else
          value.then((settled) => {
            returned = settled;
          }, fail);
      } else returned = value;
    } catch (error) {
      fail(error);
    }
    return tell === undefined ? finish() : '';
  }

  const ANSWER_LENGTH_MAX = 1 << 20;

  /** Several runs, one after the other: `length,length,…;` and their events. What would make too large an answer is left out. */
  function startAll(packed) {
    const bodies = packed.indexOf(';') + 1;
    let at = bodies;
    let lengths = '';
    let ends = '';
    for (let head = 0; head < bodies && ends.length < ANSWER_LENGTH_MAX; head++) {
      let length = 0;
      for (let code = packed.charCodeAt(head); code !== 44 && code !== 59; code = packed.charCodeAt(++head)) {
        length = length * 10 + code - 48;
      }
      const end = start(packed.slice(at, at + length));
      at += length;
      lengths += lengths === '' ? end.length : `,${end.length}`;
      ends += end;
    }
    return `${lengths};${ends}`;
  }

  return { start, startAll, finish, link, deliver: platformPart.deliver };
});
