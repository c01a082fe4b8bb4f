import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { type RunningSftp, startSftp } from '../../deploy/testing/sftp.ts';
import { suiteWith } from '../../deploy/testing/suite.ts';
import { Bench, outcomeOf } from '../conformance/bench.ts';
import { tryFaults } from '../remote/faults.ts';
import { backend } from './index.ts';

const CONTEXT = { dataDir: '', serviceName: 'files', connectionsMax: 4 };

suiteWith('sftp', 'SFTP, and what goes wrong', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-sftp-keys-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const newKey = (name: string, passphrase = ''): string => {
    const args = ['-q', '-t', 'ed25519', '-N', passphrase, '-f', join(folder, name)];
    execFileSync('ssh-keygen', args, { stdio: 'pipe' });
    return readFileSync(join(folder, name), 'utf8');
  };
  const settings = ({ host, port, user: username, privateKey }: RunningSftp) => ({
    ...{ host, port, username, private_key: privateKey },
  });

  tryFaults<RunningSftp>({
    backend,
    start: startSftp,
    config: (server, name) => ({ ...settings(server), container: join(server.files, name) }),
    full: /full/,
    refused: [
      { why: 'another key', config: { private_key: newKey('other') }, message: /credentials/ },
      { why: 'another user', config: { username: 'nobody-else' }, message: /credentials/ },
      { why: 'a password only', config: { private_key: null, password: 'x' }, message: /credentials/ },
      {
        why: 'a server with another key',
        config: { host_fingerprint: `SHA256:${Buffer.alloc(32, 7).toString('base64')}` },
        message: /host_fingerprint/,
      },
    ],
  });

  test.each([
    { why: 'that has no passphrase, though one is given', passphrase: '', password: 'x', code: 'unavailable' },
    { why: 'that its passphrase opens', passphrase: 'open it', password: 'open it', code: 'unavailable' },
    { why: 'that another passphrase does not open', passphrase: 'open it', password: 'x', code: 'invalid' },
    { why: 'whose passphrase is not given', passphrase: 'open it', password: null, code: 'invalid' },
  ])('a private key $why', async ({ passphrase, password, code }) => {
    const privateKey = newKey(`key-${passphrase}-${password}`, passphrase);
    const config = { host: '127.0.0.1', port: 1, username: 'x', container: '/', private_key: privateKey, password };
    const outcome = async (): Promise<unknown> => backend.open(config, CONTEXT).stat('', Deadline.after(5000));
    expect(await outcomeOf(outcome())).toBe(code);
  });

  test('a private key whose lines a form has joined', async () => {
    const config = {
      host: '127.0.0.1',
      port: 1,
      username: 'x',
      container: '/',
      private_key: newKey('joined').replaceAll('\n', ' '),
    };
    expect(await outcomeOf(backend.open(config, CONTEXT).stat('', Deadline.after(5000)))).toBe('unavailable');
  });
});

suiteWith('sftp', 'SFTP and links', () => {
  let server: RunningSftp;
  let bench: Bench;
  let root: string;
  beforeAll(async () => {
    server = await startSftp();
    root = join(server.files, 'root');
    for (const path of ['root', 'outside', 'root/folder']) {
      mkdirSync(join(server.files, path));
      chownSync(join(server.files, path), statSync(server.files).uid, statSync(server.files).gid);
    }
    writeFileSync(join(server.files, 'outside', 'secret'), 'secret');
    writeFileSync(join(root, 'file'), 'inside');
    symlinkSync('../outside', join(root, 'out'));
    symlinkSync('../outside/secret', join(root, 'out-file'));
    symlinkSync('file', join(root, 'in-file'));
    symlinkSync('folder', join(root, 'in-folder'));
    const { host, port, user: username, privateKey } = server;
    const source = backend.open({ host, port, username, private_key: privateKey, container: root }, CONTEXT);
    bench = new Bench(source, { backend, lacks: {}, open: async () => source });
  });
  afterAll(async () => {
    await bench?.source.close();
    await server?.stop();
  });

  test('those that leave the root are not there, and no way through', async () => {
    expect(await bench.paths('')).toEqual(['file', 'folder/', 'in-file', 'in-folder/']);
    for (const path of ['out', 'out-file', 'out/secret']) {
      expect(await bench.stat(path)).toBeUndefined();
      expect(await outcomeOf(bench.bytes(path))).toBe('not_found');
      expect(await outcomeOf(bench.source.remove(path, bench.deadline()))).toBe('not_found');
    }
    expect(await bench.paths('out')).toEqual([]);
    expect(await outcomeOf(bench.put('out/new', 'x'))).toBe('not_found');
    expect(await outcomeOf(bench.makeFolders('out/new'))).toBe('not_found');
    expect(await outcomeOf(bench.source.move?.('file', 'out/file', false, bench.deadline()) as Promise<void>)).toBe(
      'not_found',
    );
    expect(readFileSync(join(server.files, 'outside', 'secret'), 'utf8')).toBe('secret');
  });

  test('those within are what they lead to', async () => {
    expect(await bench.text('in-file')).toBe('inside');
    await bench.put('in-folder/x', 'x');
    expect(await bench.text('folder/x')).toBe('x');
  });
});
