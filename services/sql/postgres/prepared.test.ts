import { expect, test } from 'vitest';
import type { ResultColumn, Statement } from '../statement.ts';
import { MessageWriter } from './message-writer.ts';
import { PREPARED_MAX, PreparedStatements } from './prepared.ts';

const statement = (text: string, ...columns: ResultColumn[]): Statement => ({ text, params: [], columns });
const ID: ResultColumn = { name: 'id', json: 'number' };

/** Types of the messages that were written. */
function sent(writer: MessageWriter): string {
  const bytes = writer.take();
  let types = '';
  for (let at = 0; at < bytes.length; at += 1 + bytes.readUInt32BE(at + 1))
    types += String.fromCharCode(bytes[at] as number);
  return types;
}

function make() {
  const writer = new MessageWriter();
  const statements = new PreparedStatements(writer);
  const use = (...args: Parameters<typeof statement>) => {
    const parsed: string[] = [];
    const prepared = statements.of(statement(...args), parsed);
    return { ...prepared, parsed, sent: sent(writer) };
  };
  return { writer, statements, use };
}

test('a text is prepared once', () => {
  const { use } = make();
  const first = use('a', ID);
  expect(first).toMatchObject({ parsed: ['a'], sent: 'P' });
  expect(use('a', { ...ID })).toMatchObject({ name: first.name, format: first.format, parsed: [], sent: '' });
  expect(use('b', ID).name).not.toBe(first.name);
});

test('the same text in another form keeps its preparation', () => {
  const { use } = make();
  const { name } = use('a', ID);
  const other = use('a', { ...ID, json: 'string' });
  expect(other).toMatchObject({ name, parsed: [], sent: '' });
  expect(other.format.columns).toEqual([{ ...ID, json: 'string' }]);
});

test('what is forgotten is closed, and prepared again under another name', () => {
  const { use, statements, writer } = make();
  const { name } = use('a');
  statements.forget('a');
  statements.forget('a');
  statements.forget('unknown');
  expect(sent(writer)).toBe('C');
  const again = use('a');
  expect(again).toMatchObject({ parsed: ['a'], sent: 'P' });
  expect(again.name).not.toBe(name);
});

test('the one that was not used for longest gives way', () => {
  const { use } = make();
  for (let i = 0; i < PREPARED_MAX; i++) use(`s${i}`);
  expect(use('s0').sent).toBe('');
  expect(use('one more').sent).toBe('CP');
  expect(use('s0').sent).toBe('');
  expect(use('s1').sent).toBe('CP');
});
