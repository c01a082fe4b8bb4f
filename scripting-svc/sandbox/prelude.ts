/** The JavaScript that is in every context before the script, as one expression. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './prelude/' : './sandbox-prelude/', import.meta.url),
);
const PARTS = ['event', 'console', 'platform', 'globals', 'harden'];

const read = (name: string): string => readFileSync(`${FOLDER}${name}.js`, 'utf8').trimEnd().replace(/;$/, '');

let text: string | undefined;

/** Strict, so that no function of it can be reached by way of its callers. A function of (settings as JSON, { ask, tell, wait }); see prelude/boot.js. */
export function preludeSource(): string {
  text ??= `((settings,ask,tell,wait)=>{'use strict';
const parts={${PARTS.map((name) => `${name}:\n${read(name)}`).join(',\n')}};
const boot=
${read('boot')};
return boot(parts,settings,{ask,tell,wait})})`;
  return text;
}
