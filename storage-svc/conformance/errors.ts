import { expect, test } from 'vitest';
import { MillraceError, notFound } from '#common/errors.ts';
import type { Bench } from './bench.ts';

export function tryErrors(bench: () => Bench): void {
  test('what a driver throws says nothing of the inside to a client', () => {
    const secret = 'connect ECONNREFUSED 10.1.2.3:445 /srv/secret bucket.example.org';
    for (const thrown of [new Error(secret), Object.assign(new Error(secret), { code: 'ODD' }), secret, undefined, 7]) {
      const error = bench().backend.translate(thrown);
      expect(error).toBeInstanceOf(MillraceError);
      expect(['unavailable', 'internal']).toContain(error.code);
      expect(error.message).not.toMatch(/10\.1|srv|bucket\.|ECONN/);
    }
  });

  test('one of ours stays what it is', () => {
    const error = notFound('The file does not exist.');
    expect(bench().backend.translate(error)).toBe(error);
  });

  test('what is missing is told in our words', async () => {
    const works = [
      () => bench().bytes('no/such'),
      () => bench().source.remove('no/such', bench().deadline()),
      () => bench().put('a', 'x', { ifEtag: 'none' }),
    ];
    for (const work of works) {
      const error = (await work().catch((thrown: unknown) => thrown)) as MillraceError;
      expect(error).toBeInstanceOf(MillraceError);
      expect(error.message).toMatch(/^[A-Z].*\.$/s);
      expect(error.message).not.toMatch(/ENOENT|http|127\.0\.0\.1|localhost|\/tmp|NoSuchKey/);
    }
  });

  test('closed twice is closed', async () => {
    await bench().source.close();
    await bench().source.close();
  });
}
