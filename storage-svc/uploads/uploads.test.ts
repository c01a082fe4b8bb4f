import { createHash } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { UPLOAD_PART_BYTES } from '#common/bounds.ts';
import { callerGone, Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { PathRules } from '#common/files/rules.ts';
import { RulesSchema, UploadHeadSchema, type UploadState } from '#proto/files/v1/files_pb.ts';
import { type Call, POST_BIT, READ_BIT } from '../call.ts';
import { walkTree } from '../operations/tree.ts';
import { MemorySource } from '../testing/memory.ts';
import { folderOf, UPLOADS_FOLDER } from './record.ts';
import { UploadSweeper } from './sweep.ts';
import { Uploads } from './uploads.ts';

const HOUR_MS = 3_600_000;

let source: MemorySource;
let uploads: Uploads;
beforeEach(async () => {
  source = new MemorySource();
  uploads = new Uploads(HOUR_MS);
  await source.makeFolder('docs', soon());
});

const soon = (): Deadline => Deadline.after(20_000);
const callOf = (more: Partial<Call> = {}): Call => ({
  source,
  family: 'local',
  rules: new PathRules(undefined),
  writeBit: POST_BIT,
  deadline: soon(),
  ...more,
});

async function* bodyOf(...pieces: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

/** Pieces, and then the sender is lost. */
async function* lost(...pieces: readonly string[]): AsyncGenerator<Uint8Array> {
  yield* bodyOf(...pieces);
  throw callerGone();
}

/** A piece, and then nothing for ever. */
async function* silent(piece: string, isTaken: () => void): AsyncGenerator<Uint8Array> {
  yield Buffer.from(piece);
  isTaken();
  await new Promise(() => {});
}

type Init = MessageInitShape<typeof UploadHeadSchema>;

const begin = (init: Init, call = callOf()): Promise<UploadState> =>
  uploads.begin(call, create(UploadHeadSchema, { path: 'docs/a.txt', size: 10n, ...init }));

function append(
  { upload }: UploadState,
  offset: number,
  body: AsyncIterable<Uint8Array>,
  {
    length,
    digests = {},
    call = callOf(),
    by = uploads,
  }: {
    length?: number;
    digests?: Record<string, string>;
    call?: Call;
    by?: Uploads;
  } = {},
): Promise<UploadState> {
  const part = { upload, offset: BigInt(offset), ...(length !== undefined && { length: BigInt(length) }) };
  return by.append(call, create(UploadHeadSchema, { part, digests }), body);
}

const get = ({ upload }: UploadState, by = uploads): Promise<UploadState> => by.get(callOf(), upload);

async function text(path: string): Promise<string | undefined> {
  if (!(await source.stat(path, soon()))) return undefined;
  let all = '';
  for await (const piece of (await source.read(path, {}, soon())).body) all += piece;
  return all;
}

async function below(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of walkTree(source, folder, soon())) paths.push(path.slice(folder.length + 1));
  return paths;
}

describe('begun, gone on, done', () => {
  test('in three parts', async () => {
    const upload = await begin({ metadata: 'filename YQ==', contentType: 'text/x' });
    expect(upload).toMatchObject({ offset: 0n, length: 10n, metadata: 'filename YQ==', path: 'docs/a.txt' });
    expect(Number(upload.expiresMs) - Date.now()).toBeGreaterThan(HOUR_MS - 5000);
    expect(await append(upload, 0, bodyOf('01', '2'))).toMatchObject({ offset: 3n });
    expect(await append(upload, 3, bodyOf('345'))).toMatchObject({ offset: 6n });
    expect(await get(upload)).toMatchObject({ offset: 6n, length: 10n, metadata: 'filename YQ==' });
    expect(await text('docs/a.txt')).toBeUndefined();
    const entry = { path: 'docs/a.txt', size: 10n, contentType: 'text/x' };
    expect(await append(upload, 6, bodyOf('6789'))).toMatchObject({ offset: 10n, entry });
    expect(await text('docs/a.txt')).toBe('0123456789');
    // Its client may not have heard of it.
    expect(await get(upload)).toMatchObject({ offset: 10n, length: 10n, entry });
    expect(await below(folderOf(upload.upload))).toEqual(['head']);
    expect(await append(upload, 10, bodyOf())).toMatchObject({ offset: 10n, entry });
  });

  test('of no bytes', async () => {
    expect(await begin({ size: 0n })).toMatchObject({ offset: 0n, entry: { size: 0n } });
    expect(await text('docs/a.txt')).toBe('');
  });

  test('of a length that is said later', async () => {
    const upload = await begin({ size: undefined as never });
    expect(upload.length).toBeUndefined();
    await append(upload, 0, bodyOf('abc'));
    await expect(append(upload, 3, bodyOf(), { length: 2 })).rejects.toMatchObject({ code: 'invalid' });
    expect(await append(upload, 3, bodyOf('d'), { length: 6 })).toMatchObject({ offset: 4n, length: 6n });
    await expect(append(upload, 4, bodyOf(), { length: 7 })).rejects.toMatchObject({ code: 'invalid' });
    expect(await append(upload, 4, bodyOf('ef'))).toMatchObject({ entry: { size: 6n } });
    expect(await text('docs/a.txt')).toBe('abcdef');
  });

  test('folders above it are made at its end', async () => {
    const upload = await begin({ path: 'x/y/z', makeFolders: true, size: 1n });
    expect(await source.stat('x', soon())).toBeUndefined();
    await append(upload, 0, bodyOf('1'));
    expect(await text('x/y/z')).toBe('1');
  });

  test('ended: nothing is left, and nothing is known', async () => {
    const upload = await begin({});
    await append(upload, 0, bodyOf('abc'));
    expect(await uploads.end(callOf(), upload.upload)).toMatchObject({ offset: 3n });
    expect(await below(UPLOADS_FOLDER)).toEqual([]);
    await expect(get(upload)).rejects.toMatchObject({ code: 'not_found' });
    await expect(append(upload, 3, bodyOf('d'))).rejects.toMatchObject({ code: 'not_found' });
    expect(await below('docs')).toEqual([]);
  });

  test('listings do not show it', async () => {
    await append(await begin({}), 0, bodyOf('abc'));
    expect((await below('')).filter((path) => path.includes('millrace'))).toEqual([]);
  });

  test('any cut into parts by any replicas is the same file', async () => {
    const others = [uploads, new Uploads(HOUR_MS), new Uploads(HOUR_MS)];
    const cuts = fc.array(fc.record({ text: fc.string({ maxLength: 9 }), by: fc.nat(2), isLost: fc.boolean() }));
    await fc.assert(
      fc.asyncProperty(cuts, async (parts) => {
        const whole = Buffer.from(parts.map((part) => part.text).join(''));
        const upload = await begin({ size: BigInt(whole.length) });
        let at = 0;
        for (const part of parts) {
          const bytes = Buffer.from(part.text);
          const body = part.isLost ? lost(part.text) : bodyOf(part.text);
          await append(upload, at, body, { by: others[part.by] as Uploads }).catch((error: MillraceError) =>
            expect(error.code).toBe('cancelled'),
          );
          at += bytes.length;
        }
        expect(await get(upload)).toMatchObject({
          offset: BigInt(whole.length),
          entry: { size: BigInt(whole.length) },
        });
        expect(await text('docs/a.txt')).toBe(whole.toString());
      }),
      { numRuns: 50 },
    );
  });
});

describe('broken off', () => {
  test('what came before the sender was lost is kept', async () => {
    const upload = await begin({});
    await expect(append(upload, 0, lost('012', '34'))).rejects.toMatchObject({ code: 'cancelled' });
    expect(await get(upload, new Uploads(HOUR_MS))).toMatchObject({ offset: 5n });
    await append(upload, 5, bodyOf('56789'));
    expect(await text('docs/a.txt')).toBe('0123456789');
  });

  test('a caller who falls silent and goes', async () => {
    const upload = await begin({});
    const call = callOf();
    const appended = append(
      upload,
      0,
      silent('012', () => call.deadline.abort(callerGone())),
      { call },
    );
    await expect(appended).rejects.toMatchObject({ code: 'cancelled' });
    expect(await get(upload)).toMatchObject({ offset: 3n });
  });

  test('all came, and the word that it is all did not', async () => {
    const upload = await begin({});
    await expect(append(upload, 0, lost('0123456789'))).rejects.toMatchObject({ code: 'cancelled' });
    expect(await get(upload)).toMatchObject({ offset: 10n, entry: { size: 10n } });
    expect(await text('docs/a.txt')).toBe('0123456789');
  });

  test('nothing came', async () => {
    const upload = await begin({});
    await expect(append(upload, 0, lost())).rejects.toMatchObject({ code: 'cancelled' });
    expect(await get(upload)).toMatchObject({ offset: 0n });
    expect(await below(folderOf(upload.upload))).toEqual(['head']);
  });

  test('writing the file fails: whoever asks again tries again', async () => {
    const upload = await begin({});
    const write = source.write.bind(source);
    source.write = async (path, ...rest) => {
      if (path === 'docs/a.txt') throw new MillraceError('unavailable', 'The storage is full.');
      return write(path, ...rest);
    };
    await expect(append(upload, 0, bodyOf('0123456789'))).rejects.toThrow('The storage is full.');
    await expect(get(upload)).rejects.toThrow('The storage is full.');
    source.write = write;
    expect(await get(upload)).toMatchObject({ entry: { size: 10n } });
    expect(await text('docs/a.txt')).toBe('0123456789');
  });

  test('a large one is kept part by part, and never in memory', async () => {
    const kept: number[] = [];
    const write = source.write.bind(source);
    source.write = async (path, body, options, deadline) => {
      if (!path.includes('part-')) return write(path, body, options, deadline);
      let bytes = 0;
      for await (const piece of body) bytes += piece.length;
      kept.push(bytes);
      return write(path, bodyOf(Buffer.alloc(1)), options, deadline);
    };
    const upload = await begin({ size: undefined as never });
    const piece = Buffer.alloc(1_000_000);
    async function* much(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 150; i++) yield piece;
    }
    await append(upload, 0, much());
    expect(kept).toEqual([UPLOAD_PART_BYTES, UPLOAD_PART_BYTES, 150_000_000 - 2 * UPLOAD_PART_BYTES]);
  });
});

describe('two at once', () => {
  /** Somebody of whom three bytes came, and nothing since. */
  async function hanging(upload: UploadState): Promise<{ first: Promise<UploadState> }> {
    let first: Promise<UploadState> | undefined;
    await new Promise<void>((isTaken) => {
      first = append(upload, 0, silent('012', isTaken));
      first.catch(() => {});
    });
    return { first: first as unknown as Promise<UploadState> };
  }

  test('the one who comes later goes on, and what the first has brought is kept', async () => {
    const upload = await begin({});
    const { first } = await hanging(upload);
    const second = append(upload, 0, bodyOf('0123456789'));
    await expect(first).rejects.toMatchObject({ code: 'conflict' });
    await expect(second).rejects.toMatchObject({ code: 'conflict', context: { offset: 3 } });
    expect(await append(upload, 3, bodyOf('3456789'))).toMatchObject({ entry: { size: 10n } });
  });

  test('a client that asks how far it is has lost the line: whoever hangs there stops', async () => {
    const upload = await begin({});
    const { first } = await hanging(upload);
    expect(await get(upload)).toMatchObject({ offset: 3n });
    await expect(first).rejects.toMatchObject({ code: 'conflict' });
  });

  test('at two replicas: one wins', async () => {
    const upload = await begin({});
    const all = await Promise.allSettled([
      append(upload, 0, bodyOf('01234', '56789')),
      append(upload, 0, bodyOf('01234'), { by: new Uploads(HOUR_MS) }),
    ]);
    const failed = all.filter((one) => one.status === 'rejected');
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({ reason: { code: 'conflict' } });
  });

  test.each([1, 4, 11])('another offset: %d', async (offset) => {
    const upload = await begin({});
    await append(upload, 0, bodyOf('012'));
    await expect(append(upload, offset, bodyOf('x'))).rejects.toMatchObject({
      code: 'conflict',
      context: { offset: 3 },
    });
    expect(await get(upload)).toMatchObject({ offset: 3n });
  });
});

describe('refused', () => {
  const sha = (content: string): string => createHash('sha1').update(content).digest('base64');

  test('bytes of another digest: none of them is kept', async () => {
    const upload = await begin({});
    await append(upload, 0, bodyOf('012'), { digests: { sha: sha('012') } });
    const failed = append(upload, 3, bodyOf('345'), { digests: { sha: sha('xyz') } });
    await expect(failed).rejects.toMatchObject({ code: 'invalid' });
    const half = append(upload, 3, lost('345'), { digests: { sha: sha('345') } });
    await expect(half).rejects.toMatchObject({ code: 'cancelled' });
    expect(await get(upload)).toMatchObject({ offset: 3n });
  });

  test('a whole of another digest: the file is not written', async () => {
    const upload = await begin({ digests: { sha: sha('x') } });
    await expect(append(upload, 0, bodyOf('0123456789'))).rejects.toMatchObject({ code: 'invalid' });
    expect(await text('docs/a.txt')).toBeUndefined();
  });

  test('more than was said', async () => {
    const upload = await begin({});
    await append(upload, 0, bodyOf('01234567'));
    await expect(append(upload, 8, bodyOf('89', 'x'))).rejects.toMatchObject({ code: 'invalid' });
    expect(await get(upload)).toMatchObject({ offset: 8n });
  });

  const BEGINNINGS: [string, Init, string][] = [
    ['no folder above', { path: 'x/y' }, 'not_found'],
    ['a folder in its place', { path: 'docs' }, 'conflict'],
    ['the root', { path: '' }, 'invalid'],
    ['a file that is there', { path: 'docs/old', createOnly: true }, 'conflict'],
    ['another version', { path: 'docs/old', ifEtag: 'x' }, 'contradiction'],
    ['no version', { path: 'docs/new', ifEtag: 'x' }, 'contradiction'],
    ['a digest that we do not know', { digests: { crc: 'x' } }, 'invalid'],
    ['much metadata', { metadata: 'x'.repeat(9000) }, 'invalid'],
  ];
  test.each(BEGINNINGS)('at the beginning: %s', async (_, init, code) => {
    const options = { contentType: undefined, size: undefined, createOnly: false, ifEtag: undefined };
    await source.write('docs/old', bodyOf('old'), options, soon());
    await expect(begin(init)).rejects.toMatchObject({ code });
    expect(await below(UPLOADS_FOLDER)).toEqual([]);
  });

  test('a file that came meanwhile', async () => {
    const upload = await begin({ createOnly: true });
    const options = { contentType: undefined, size: undefined, createOnly: false, ifEtag: undefined };
    await source.write('docs/a.txt', bodyOf('other'), options, soon());
    await expect(append(upload, 0, bodyOf('0123456789'))).rejects.toMatchObject({ code: 'conflict' });
    expect(await text('docs/a.txt')).toBe('other');
  });

  test('whoever may not write there', async () => {
    const rules = new PathRules(
      create(RulesSchema, { rules: [{ component: 'docs/', wildcard: true, verbMask: READ_BIT }] }),
    );
    await expect(begin({}, callOf({ rules }))).rejects.toMatchObject({ code: 'denied' });
    const upload = await begin({});
    const call = callOf({ rules });
    await expect(append(upload, 0, bodyOf('x'), { call })).rejects.toMatchObject({ code: 'denied' });
    await expect(uploads.get(call, upload.upload)).rejects.toMatchObject({ code: 'denied' });
    await expect(uploads.end(call, upload.upload)).rejects.toMatchObject({ code: 'denied' });
  });

  test.each(['', '..', '../../docs', 'x', 'A'.repeat(32), '0'.repeat(32)])('no upload: %j', async (upload) => {
    await expect(uploads.get(callOf(), upload)).rejects.toMatchObject({ code: 'not_found' });
    await expect(uploads.end(callOf(), upload)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('time', () => {
  test('what nobody took up again is gone, and forgotten before that', async () => {
    const old = await new Uploads(-1).begin(callOf(), create(UploadHeadSchema, { path: 'docs/b', size: 5n }));
    const upload = await begin({});
    await append(upload, 0, bodyOf('abc'));
    await expect(get(old)).rejects.toMatchObject({ code: 'not_found' });
    const sweeper = new UploadSweeper();
    expect(await sweeper.sweep(source, soon())).toBe(1);
    expect(await get(upload)).toMatchObject({ offset: 3n });
    expect(await sweeper.sweep(source, soon(), Date.now() + 2 * HOUR_MS)).toBe(1);
    expect(await below(UPLOADS_FOLDER)).toEqual([]);
  });

  test('what has no head goes the second time', async () => {
    await source.makeFolder(folderOf('x'), soon());
    const sweeper = new UploadSweeper();
    expect(await sweeper.sweep(source, soon())).toBe(0);
    expect(await sweeper.sweep(source, soon())).toBe(1);
  });
});
