import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { LookReplySchema } from '#proto/system/v1/system_pb.ts';
import { stateOf } from '../testing/access.ts';
import { LinkedFiles } from './linked-files.ts';

const STATE = stateOf({
  services: [
    { id: 1, name: 'files' },
    { id: 2, name: 'more' },
    { id: 3, name: 'hello', script: { sourcePath: 'more/hello.js' } },
  ],
  eventScripts: [{ id: 1, name: 'db.get.pre_process', script: { sourcePath: 'files/a/b.js' } }],
});

function linkedFiles() {
  const asked: string[] = [];
  const answers: ((isGood: boolean) => void)[] = [];
  const call = (_method: string, { service }: { service: string }): Promise<unknown> => {
    asked.push(service);
    return new Promise((resolve, reject) => {
      answers.push((isGood) => (isGood ? resolve(create(LookReplySchema)) : reject(new Error('away'))));
    });
  };
  const system = { call, close: () => {} } as unknown as ConstructorParameters<typeof LinkedFiles>[1];
  return { linked: new LinkedFiles(STATE, system), asked, answers };
}

test('the system service hears of writes to services that scripts are files of, and of no others', () => {
  const { linked, asked } = linkedFiles();
  for (const service of ['files', 'more', 'file', 'hello', 'nosuch']) linked.written(service);
  expect(asked).toEqual(['files', 'more']);
});

test.each([true, false])('however much is written it is asked once more, when it has answered: %s', async (isGood) => {
  const { linked, asked, answers } = linkedFiles();
  for (let write = 0; write < 10; write++) linked.written('files');
  expect(asked).toEqual(['files']);
  answers.shift()?.(isGood);
  await expect.poll(() => asked).toEqual(['files', 'files']);
  answers.shift()?.(isGood);
  await new Promise((resolve) => setImmediate(resolve));
  linked.written('files');
  expect(asked).toHaveLength(3);
});
