// console.* and var_dump: lines are counted here, and beyond the cap they are neither kept nor sent.
(function consolePart(kit) {
  const { stringify, limits, tell } = kit;
  const DEBUG = 1;
  const INFO = 2;
  const WARN = 3;
  const ERROR = 4;
  let lines = 0;
  let characters = 0;
  let kept = '';

  function render(value) {
    if (typeof value === 'string') return value;
    if (typeof value === 'function') return `[function ${value.name}]`;
    if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
    if (value instanceof Error) return String(value.stack ?? value.message);
    try {
      return stringify(value) ?? 'undefined';
    } catch (error) {
      return `[${error.message}]`;
    }
  }

  function put(level, text) {
    lines++;
    kept += `${kept === '' ? '' : ','}[${level},${stringify(text)}]`;
  }

  function write(level, values) {
    if (lines > limits.logLines) return;
    let text = '';
    for (let at = 0; at < values.length; at++) text += (at === 0 ? '' : ' ') + render(values[at]);
    const room = limits.logBytes - characters;
    characters += text.length;
    if (lines === limits.logLines || text.length > room) {
      lines = limits.logLines;
      put(WARN, `The rest is left out: more than ${limits.logLines} lines or ${limits.logBytes} characters.`);
    } else put(level, text);
    if (tell !== undefined) tell('log', 0, takeLines());
  }

  function takeLines() {
    const text = kept === '' ? '' : `[${kept}]`;
    kept = '';
    return text;
  }

  function begin() {
    lines = 0;
    characters = 0;
    kept = '';
  }

  const methods = {
    debug: (...values) => write(DEBUG, values),
    log: (...values) => write(INFO, values),
    info: (...values) => write(INFO, values),
    warn: (...values) => write(WARN, values),
    error: (...values) => write(ERROR, values),
    trace: (...values) => write(DEBUG, values),
  };
  return { console: methods, var_dump: (...values) => write(INFO, values), begin, takeLines };
});
