import { expect, test } from 'vitest';
import { FILE_PIECE_BYTES, MIB } from '#common/bounds.ts';
import { callerGone, type Deadline } from '#common/deadline.ts';
import { allOf, type Bench, gate, outcomeOf } from './bench.ts';

const PLAIN = { contentType: undefined, size: undefined, createOnly: false, ifEtag: undefined };

export function tryCancel(bench: () => Bench): void {
  const gone = (): Deadline => {
    const deadline = bench().deadline();
    deadline.abort(callerGone());
    return deadline;
  };

  test('with a deadline that is over nothing is begun', async () => {
    await bench().put('a', 'before');
    const { source } = bench();
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('after');
    }
    const works = [
      source.stat('a', gone()),
      allOf(source.list('', gone())),
      source.read('a', {}, gone()),
      source.write('a', body(), PLAIN, gone()),
      source.makeFolder('f', gone()),
      source.remove('a', gone()),
    ];
    for (const work of works) expect(await outcomeOf(work)).toBe('cancelled');
    expect(await bench().paths('')).toEqual(['a']);
    expect(await bench().text('a')).toBe('before');
  });

  test.each([
    { why: 'soon', pieces: 1, isNew: true },
    { why: 'over a file', pieces: 1, isNew: false },
    { why: 'after much', pieces: 12, isNew: true },
  ])('a write whose caller has gone while we wait for him leaves nothing: $why', async ({ pieces, isNew }) => {
    if (!isNew) await bench().put('a', 'before');
    const deadline = bench().deadline();
    const silent = gate();
    async function* body(): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < pieces; n++) yield Buffer.alloc(MIB, 'a');
      silent.pass();
      await new Promise(() => {});
    }
    const outcome = outcomeOf(bench().source.write('a', body(), PLAIN, deadline));
    await silent.passed;
    deadline.abort(callerGone());
    expect(await outcome).toBe('cancelled');
    expect(await bench().paths('')).toEqual(isNew ? [] : ['a']);
    if (!isNew) expect(await bench().text('a')).toBe('before');
  });

  test('a read ends with its deadline', async () => {
    const content = Buffer.alloc(FILE_PIECE_BYTES * 200, 'x');
    await bench().put('a', content);
    const deadline = bench().deadline();
    const { body } = await bench().source.read('a', {}, deadline);
    let bytes = 0;
    const reading = async (): Promise<void> => {
      for await (const piece of body) {
        bytes += piece.length;
        deadline.abort(callerGone());
      }
    };
    expect(await outcomeOf(reading())).toBe('cancelled');
    expect(bytes).toBeLessThan(content.length);
  });

  test('a list ends with its deadline', async () => {
    for (const name of ['a', 'b', 'c']) await bench().put(name, 'x');
    const deadline = bench().deadline();
    const listing = async (): Promise<void> => {
      for await (const _ of bench().source.list('', deadline)) deadline.abort(callerGone());
    };
    expect(await outcomeOf(listing())).toBe('cancelled');
  });
}
