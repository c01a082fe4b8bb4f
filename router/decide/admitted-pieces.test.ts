import { describe, expect, test } from 'vitest';
import type { MillraceError } from '#common/errors.ts';
import { admittedPieces } from './admitted-pieces.ts';

const admits = (record: unknown): boolean => (record as { owner?: number }).owner === 5;
const MINE = '{"owner":5}';
const THEIRS = '{"owner":6}';

/** What came through, and the code of what ended it. */
async function passed(...pieces: readonly (readonly string[])[]): Promise<{ lines: string[]; end: string }> {
  let line = 0;
  async function* source() {
    for (const piece of pieces) {
      yield { records: Buffer.from(piece.map((one) => `${one}\n`).join('')), lines: piece.map(() => ++line) };
    }
  }
  const lines: string[] = [];
  try {
    for await (const { records, lines: at } of admittedPieces(source(), admits)) {
      const texts = Buffer.from(records).toString().trim().split('\n');
      expect(texts).toHaveLength(at.length);
      lines.push(...texts);
    }
    return { lines, end: 'whole' };
  } catch (error) {
    const { code, context } = error as MillraceError;
    return { lines, end: `${code} ${context?.['line']}` };
  }
}

describe('records of an import', () => {
  const CASES: { why: string; pieces: string[][]; lines: number; end: string }[] = [
    { why: 'all admitted', pieces: [[MINE, MINE], [MINE]], lines: 3, end: 'whole' },
    { why: 'none', pieces: [], lines: 0, end: 'whole' },
    { why: 'the first refused', pieces: [[THEIRS, MINE]], lines: 0, end: 'denied 1' },
    { why: 'one in the middle', pieces: [[MINE], [MINE, THEIRS, MINE]], lines: 2, end: 'denied 3' },
    { why: 'no JSON', pieces: [[MINE, '{"owner":']], lines: 1, end: 'invalid 2' },
    {
      why: 'lines that are records only when they are joined',
      pieces: [[`${THEIRS},${THEIRS}`, '{"owner":6', '"x":1}']],
      lines: 0,
      end: 'invalid 1',
    },
  ];
  test.each(CASES)('$why: $end', async ({ pieces, lines, end }) => {
    const outcome = await passed(...pieces);
    expect(outcome.lines).toEqual(Array.from({ length: lines }, () => MINE));
    expect(outcome.end).toBe(end);
  });
});
