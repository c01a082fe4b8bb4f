/** Lists that fail half way: cut where a part of them is out already, told where they are held. */
import { expect, test } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import { RecordedReply } from '../http/recorded-reply.ts';
import { sendLines } from './stream.ts';

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('{"a":1}\n');
  throw new MillraceError('unavailable', 'gone');
}

class Reply extends RecordedReply {
  readonly holdsLists: boolean;
  constructor(holdsLists: boolean) {
    super(1000, '');
    this.holdsLists = holdsLists;
  }
}

const SHOWN = { format: 'csv', disposition: undefined, wrap: true, headers: [] } as const;

test('what fails half way is told to whoever holds the list', async () => {
  await expect(sendLines(new Reply(true), broken(), 'csv', SHOWN)).rejects.toMatchObject({ code: 'unavailable' });
});

test('and cuts the answer of everybody else', async () => {
  const reply = new Reply(false);
  await sendLines(reply, broken(), 'csv', SHOWN);
  expect(reply.answer).toMatchObject({ status: 500, body: Buffer.alloc(0) });
});
