/**
 * Runs of nobody's script, before anybody waits for one: the first run of a process takes ten times as long as that of the
 * next new script, as most of our own code is compiled in it.
 */
import { setImmediate } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { Deadline } from '#common/deadline.ts';
import { Phase, RunSchema, Script_Kind, ScriptSchema } from '#proto/script/v1/script_pb.ts';
import { Sandbox, type SandboxOptions } from './sandbox/sandbox.ts';

const LANES = ['quick', 'patient'] as const;
/** Scripts, each of which is run so often. */
const SCRIPTS = 3;
const RUNS = 10;
const DEADLINE_MS = 5_000;

/** What the scripts of most installations do. */
const CONTENT = `const { resource } = event.response.content;
for (const record of resource) record.seen = \`\${event.request.method} \${record.name}\`;
event.response.content.count = resource.filter((record) => record.id > 1).length;`;

const bytes = (value: unknown): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(JSON.stringify(value)));

/**
 * @param isWanted  true: it ends at once
 * @returns how many runs have done what they should: it is no reason not to work that some have not
 */
export async function warmUp(
  isWanted: () => boolean,
  options: Omit<SandboxOptions, 'lane' | 'store'>,
): Promise<number> {
  const scripts = Array.from({ length: SCRIPTS }, (_, n) =>
    create(ScriptSchema, {
      ...{ kind: Script_Kind.EVENT, id: n, hash: BigInt(n), name: `warm-up-${n}`, type: 'nodejs' },
      content: `${CONTENT} // ${n}`,
    }),
  );
  const store = { find: ({ id }: { id: number }) => scripts[id], byName: () => undefined, lookups: () => ({}) };
  let done = 0;
  for (const lane of LANES) {
    const sandbox = new Sandbox({ ...options, lane, store });
    for (const { kind, id, hash } of scripts) {
      for (let n = 0; n < RUNS; n++) {
        const run = create(RunSchema, { id: n, script: { kind, id, hash }, event: EVENT, sessionJson: bytes({}) });
        // After what has come meanwhile.
        await setImmediate();
        if (isWanted()) break;
        const { outcome } = await sandbox.run(run, Deadline.after(DEADLINE_MS));
        if (outcome.case === 'done') done++;
      }
    }
    await sandbox.close();
  }
  return done;
}

const EVENT = {
  name: 'db._table.todo.get.post_process',
  phase: Phase.POST_PROCESS,
  request: {
    method: 'GET',
    uri: '/api/v2/db/_table/todo',
    service: 'db',
    resource: '_table/todo',
    headersJson: bytes({ host: 'localhost' }),
  },
  response: {
    statusCode: 200,
    content: bytes({ resource: [1, 2, 3].map((id) => ({ id, name: 'x' })) }),
    isJson: true,
    contentType: 'application/json',
    headersJson: bytes({}),
  },
  resourceJson: bytes('todo'),
};
