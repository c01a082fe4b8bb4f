import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { expect, onTestFinished, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { createLogger } from '#common/observe/log.ts';
import { StreamLine } from '#common/scripts/stream-line.ts';
import { Failure_Kind, RunSchema, ScriptKeySchema } from '#proto/script/v1/script_pb.ts';
import { LaneServer } from './lane-server.ts';
import type { ScriptStore } from './sandbox/sandbox.ts';
import { readWorkerConfig } from './worker-config.ts';

const FAR_MS = 60_000;

const knowsNothing: ScriptStore = { find: () => undefined, byName: () => undefined, lookups: () => ({}) };

test('runs that come by a line that will be left are answered until it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-lane-'));
  const config = readWorkerConfig({ MILLRACE_SCRIPT_STANDBY_ADDRESS: `unix:${folder}/standby` });
  const server = new LaneServer('quick', { config, store: knowsNothing, log: createLogger('test', 'silent') });
  const lineTo = (name: string) => new StreamLine([{ address: `unix:${folder}/${name}`, token: undefined }]);
  const [standby, place] = [lineTo('standby'), lineTo('place')];
  onTestFinished(async () => {
    for (const line of [standby, place]) line.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });
  const deadline = Deadline.after(FAR_MS);
  const answered = async (line: StreamLine): Promise<unknown> => {
    const { outcome } = await line.send(create(RunSchema, { script: create(ScriptKeySchema) }), deadline);
    return outcome.case === 'failure' ? outcome.value.kind : outcome;
  };
  const leave = await server.open(`unix:${folder}/standby`);
  await server.open(`unix:${folder}/place`);
  void leave(FAR_MS);
  expect(await answered(standby)).toBe(Failure_Kind.UNKNOWN);
  expect(await answered(place)).toBe(Failure_Kind.UNKNOWN);
  await leave(0);
  await expect(answered(standby)).rejects.toMatchObject({ code: 'unavailable' });
  expect(await answered(place)).toBe(Failure_Kind.UNKNOWN);
  deadline.abort(new MillraceError('cancelled', 'over'));
});
