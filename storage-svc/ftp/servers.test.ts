/** Servers that are set up otherwise: what they lack or refuse is made up for. */
import { randomBytes, randomUUID } from 'node:crypto';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FILE_PIECE_BYTES } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { Authority, noCertificates } from '../../deploy/testing/certificates.ts';
import { type FtpOptions, type RunningFtp, startFtp } from '../../deploy/testing/ftp.ts';
import { suiteWith } from '../../deploy/testing/suite.ts';
import { Bench, outcomeOf } from '../conformance/bench.ts';
import { readFtpConfig } from './config.ts';
import { backend } from './index.ts';
import { openFtp } from './source.ts';

interface Variant {
  readonly why: string;
  readonly options: FtpOptions;
  readonly config?: ServiceConfig;
}
const VARIANTS: readonly Variant[] = [
  {
    why: 'listings for people only',
    options: { lines: ['FactsAdvertise off', '<Limit MLSD MLST>', 'DenyAll', '</Limit>'] },
  },
  { why: 'nothing is replaced', options: { lines: ['AllowOverwrite off'] } },
  { why: 'the server connects to us', options: {}, config: { passive: false } },
  { why: 'no reading from the middle', options: { lines: ['AllowRetrieveRestart off'] } },
];

suiteWith('ftp', 'FTP with TLS', () => {
  const whyNot = noCertificates();
  if (whyNot) return describe.skip(`without certificates: ${whyNot}`, () => test('none', () => {}));
  let server: RunningFtp;
  let folder: string;
  let authority: Authority;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-ftps-'));
    authority = new Authority(folder, 'authority');
    const { certificate: certificateFile, key: keyFile } = authority.issue('server');
    server = await startFtp({ tls: { certificateFile, keyFile } });
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const config = (more: ServiceConfig = {}): ServiceConfig => {
    const { host, port, user: username, password } = server;
    return { host, port, username, password, container: '.', ssl: true, ...more };
  };

  test.each([true, false])('files are encrypted, too; passive: %s', async (passive) => {
    const trusted = { ca: readFileSync(authority.certificate, 'utf8') };
    const source = openFtp(readFtpConfig(config({ passive })), 4, trusted);
    const bench = new Bench(source, { backend, lacks: {}, open: async () => source });
    const content = randomBytes(FILE_PIECE_BYTES * 9 + 1);
    await bench.put('a', content);
    expect(content.equals(await bench.bytes('a'))).toBe(true);
    expect(await bench.paths('')).toEqual(['a']);
    await source.close();
  });

  test.each([
    { why: 'a certificate that nobody vouches for', more: {}, message: /certificate/ },
    { why: 'no TLS where the server wants it', more: { ssl: false }, message: /credentials|refuses/ },
  ])('$why', async ({ more, message }) => {
    const source = backend.open(config(more), { dataDir: '', serviceName: 'files', connectionsMax: 4 });
    const error = await source.stat('', Deadline.after(10_000)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringMatching(message) });
    await source.close();
  });
});

suiteWith('ftp', 'FTP with ProFTPD, set up otherwise', () => {
  describe.each(VARIANTS)('$why', ({ options, config }) => {
    let server: RunningFtp;
    let bench: Bench;
    let folder: string;
    beforeAll(async () => {
      server = await startFtp(options);
    });
    afterAll(() => server?.stop());
    beforeEach(() => {
      const container = randomUUID();
      folder = join(server.files, container);
      mkdirSync(folder);
      chownSync(folder, statSync(server.files).uid, statSync(server.files).gid);
      const { host, port, user: username, password } = server;
      const context = { dataDir: '', serviceName: 'files', connectionsMax: 4 };
      const source = backend.open({ host, port, username, password, container, ...config }, context);
      bench = new Bench(source, { backend, lacks: {}, open: async () => source });
    });
    afterEach(() => bench.source.close());

    test('files and folders: written, replaced, listed, read, moved, removed', async () => {
      const content = randomBytes(FILE_PIECE_BYTES * 5 + 3);
      await bench.makeFolders('f', 'f/ä b');
      await bench.put('f/x y', 'before');
      await bench.put('f/x y', content);
      expect(await bench.paths('f')).toEqual(['f/x y', 'f/ä b/']);
      expect(await bench.list('f')).toMatchObject([{ size: content.length }, { size: 0 }]);
      expect(await bench.stat('f')).toMatchObject({ isFolder: true });
      expect(await bench.stat('nothing')).toBeUndefined();
      expect(content.equals(await bench.bytes('f/x y'))).toBe(true);
      const range = { offset: FILE_PIECE_BYTES + 1, length: FILE_PIECE_BYTES };
      expect(
        content.subarray(range.offset, range.offset + range.length).equals(await bench.bytes('f/x y', { range })),
      ).toBe(true);
      expect(await outcomeOf(bench.put('f/x y', 'no', { createOnly: true }))).toBe('conflict');
      await bench.source.move?.('f', 'g', true, bench.deadline());
      await bench.source.remove('g/x y', bench.deadline());
      expect(await outcomeOf(bench.source.removeFolder('g', bench.deadline()))).toBe('conflict');
      await bench.source.removeFolder('g/ä b', bench.deadline());
      await bench.source.removeFolder('g', bench.deadline());
      expect(await bench.paths('')).toEqual([]);
      await bench.source.close();
      expect(readdirSync(join(folder, '.millrace'))).toEqual([]);
    });
  });
});
