/** Records that come in pieces, over a call of their own. */
import { expect, test } from 'vitest';
import type { Connector, RecordPiece } from '../connector.ts';
import { callerGone, Deadline } from '../deadline.ts';
import { invalid, type MillraceError } from '../errors.ts';
import { connect, operationOf, resultOf, serve, textOf, turn } from '../testing/exchange.ts';

const soon = (): Deadline => Deadline.after(30_000);
const execute: Connector['execute'] = async () => resultOf('');
const piece = (text: string, line: number): RecordPiece => ({ records: Buffer.from(text), lines: [line] });

async function* few(): AsyncGenerator<RecordPiece> {
  yield piece('{"a":1}\n', 1);
  yield piece('{"a":2}\n', 3);
}

/** What has come, and then why no more did. */
const gathering: Connector = {
  execute,
  import: async (operation, _shape, pieces) => {
    const got: unknown[] = [operation.requestId];
    try {
      for await (const { records, lines } of pieces) got.push(textOf(records), ...lines);
    } catch (error) {
      got.push((error as Error).message);
    }
    return resultOf(JSON.stringify(got));
  },
};

test('all pieces arrive in their order, with the lines', async () => {
  const client = connect(await serve(gathering));
  const { json } = await client.import(operationOf('id'), few(), soon());
  expect(JSON.parse(textOf(json))).toEqual(['id', '{"a":1}\n', 1, '{"a":2}\n', 3]);
});

test('one whose caller cannot be read any further is told so, behind what came', async () => {
  async function* broken(): AsyncGenerator<RecordPiece> {
    yield* few();
    throw invalid('Malformed.', { line: 4 });
  }
  const client = connect(await serve(gathering));
  const { json } = await client.import(operationOf('id'), broken(), soon());
  expect(JSON.parse(textOf(json))).toEqual(['id', '{"a":1}\n', 1, '{"a":2}\n', 3, 'Malformed.']);
});

test('a refusal comes before the pieces have ended, and nobody is asked for more', async () => {
  let asked = 0;
  let left = false;
  async function* endless(): AsyncGenerator<RecordPiece> {
    try {
      yield piece('1\n', 1);
      asked++;
      await new Promise(() => {}); // a caller who sends nothing any more
    } finally {
      left = true;
    }
  }
  const refusing: Connector = {
    execute,
    import: async (_operation, _shape, pieces) => {
      for await (const _ of pieces) throw invalid('Not this one.', { line: 1 });
      return resultOf('');
    },
  };
  const client = connect(await serve(refusing));
  const call = client.import(operationOf('id'), endless(), soon());
  await expect(call).rejects.toMatchObject({ code: 'invalid', message: 'Not this one.', context: { line: 1 } });
  expect([asked, left]).toEqual([1, false]);
});

test('a caller who goes away ends it at the connector', async () => {
  let begun = false;
  let end: unknown;
  const waiting: Connector = {
    execute,
    import: async (_operation, _shape, pieces) => {
      try {
        for await (const _ of pieces) begun = true;
      } catch (error) {
        end = (error as MillraceError).code;
      }
      return resultOf('');
    },
  };
  const client = connect(await serve(waiting));
  const deadline = soon();
  async function* slow(): AsyncGenerator<RecordPiece> {
    yield piece('1\n', 1);
    while (!begun) await turn();
    deadline.abort(callerGone());
    await new Promise(() => {});
  }
  await expect(client.import(operationOf('id'), slow(), deadline)).rejects.toMatchObject({ code: 'cancelled' });
  while (end === undefined) await turn();
  expect(end).toBe('cancelled');
});

test('time that runs out ends it, at a connector that waits for pieces', async () => {
  const waiting: Connector = {
    execute,
    import: async (_operation, _shape, pieces) => {
      for await (const _ of pieces);
      return resultOf('');
    },
  };
  const client = connect(await serve(waiting));
  const never = async function* (): AsyncGenerator<RecordPiece> {
    await new Promise(() => {});
  };
  const call = client.import(operationOf('id'), never(), Deadline.after(100));
  await expect(call).rejects.toMatchObject({ code: 'deadline' });
});

test('a connector that takes none says so', async () => {
  const client = connect(await serve({ execute }));
  await expect(client.import(operationOf('id'), few(), soon())).rejects.toMatchObject({ code: 'unsupported' });
});

test('a slow connector holds the pieces back', async () => {
  let made = 0;
  async function* many(): AsyncGenerator<RecordPiece> {
    for (; made < 400; made++) yield { records: Buffer.alloc(100_000, '1'), lines: [made] };
  }
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow: Connector = {
    execute,
    import: async (_operation, _shape, pieces) => {
      let count = 0;
      for await (const _ of pieces) {
        await held;
        count++;
      }
      return resultOf(String(count));
    },
  };
  const client = connect(await serve(slow));
  const call = client.import(operationOf('id'), many(), soon());
  for (let last = -1; last !== made || made === 0; ) {
    last = made;
    for (let i = 0; i < 200; i++) await turn();
  }
  expect(made).toBeLessThan(200);
  release();
  expect(textOf((await call).json)).toBe('400');
});
