/** What both HTTP sides share: the proof that an answer is right, and the load by wrk. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { LoadCase } from '../cases.ts';
import { type RunScope, requestSignal, showLogs } from '../process.ts';
import { runWrk, type WrkResult } from '../wrk.ts';
import type { HttpTarget, Side } from './side.ts';

export function httpSide(scope: RunScope, target: HttpTarget, connections: number): Side {
  return {
    key: target.key,
    label: target.label,
    measure: async (load, seconds) => (await loadTarget(scope, target, load, seconds, connections)).requestsPerSecond,
  };
}

export async function loadTarget(
  scope: RunScope,
  target: HttpTarget,
  load: LoadCase,
  seconds: number,
  connections: number,
): Promise<WrkResult> {
  try {
    await checkAnswer(scope, target, load);
    return await runWrk(scope, {
      origin: target.origin,
      headers: requestHeaders(target, load),
      method: load.method,
      path: target.pathOf(load),
      randomMax: load.randomMax,
      bodiesFile: await writeBodies(scope, load),
      connections,
      seconds,
    });
  } catch (failure) {
    throw new Error(`${failure instanceof Error ? failure.message : failure}\n${showLogs(target.servers)}`, {
      cause: failure,
    });
  }
}

function requestHeaders(target: HttpTarget, load: LoadCase): Record<string, string> {
  return load.bodies ? { ...target.headers, 'Content-Type': 'application/json' } : { ...target.headers };
}

/** The same bodies for both sides and for every round. */
async function writeBodies(scope: RunScope, load: LoadCase): Promise<string | undefined> {
  if (!load.bodies) return undefined;
  const { count, make } = load.bodies;
  const file = `${scope.folder}/${load.name}.bodies.jsonl`;
  if (existsSync(file)) return file;
  const lines = Array.from({ length: count }, () => JSON.stringify(make()));
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

/** wrk sees only statuses. @throws Error unless one request is answered with the records and fields of the case */
async function checkAnswer(scope: RunScope, target: HttpTarget, load: LoadCase): Promise<void> {
  const path = target.pathOf(load).replace('{}', String(load.randomMax));
  const request: RequestInit = {
    method: load.method,
    headers: requestHeaders(target, load),
    redirect: 'error',
    signal: requestSignal(scope),
  };
  if (load.bodies) request.body = JSON.stringify(load.bodies.make());
  const answer = await fetch(`${target.origin}${path}`, request);
  const text = await answer.text();
  const fault = answer.ok ? faultOf(text, load.answer) : `status ${answer.status}`;
  if (fault) {
    throw new Error(`${fault}\n${load.method} ${path}\n${text.slice(0, 500)}`);
  }
}

/** What is wrong with a body, undefined where nothing is. A single record comes bare, several as `{"resource":[…]}`. */
export function faultOf(text: string, expected: LoadCase['answer']): string | undefined {
  const body = JSON.parse(text) as { resource?: object[] };
  const records = body.resource ?? [body];
  if (records.length !== expected.records) return `${records.length} records in place of ${expected.records}`;
  const wanted = [...expected.fields].sort().join(', ');
  const other = records.map((record) => Object.keys(record).sort().join(', ')).find((fields) => fields !== wanted);
  return other === undefined ? undefined : `fields ${other} in place of ${wanted}`;
}
