/** Signing in with a password, on a small server of the driver's: a real one would ask the system's users for theirs. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type AuthContext, Server, type ServerChannel, type SFTPWrapper } from 'ssh2';
import { expect, onTestFinished, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { backend } from './index.ts';

const PASSWORD = 'gëheim ';

function accept(auth: AuthContext, method: string): void {
  if (auth.method === 'none' || auth.method !== method) return auth.reject([method as 'password']);
  if (auth.method === 'password') return auth.password === PASSWORD ? auth.accept() : auth.reject();
  if (auth.method === 'keyboard-interactive')
    auth.prompt('Your word?', ([answer]) => (answer === PASSWORD ? auth.accept() : auth.reject()));
}

/** Knows nothing but its root. */
function serve(sftp: SFTPWrapper): void {
  const attributes = { mode: 0o040755, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 };
  sftp.on('REALPATH', (id) => sftp.name(id, [{ filename: '/', longname: '/', attrs: attributes }]));
  sftp.on('STAT', (id) => sftp.attrs(id, attributes));
  sftp.on('OPENDIR', (id) => sftp.status(id, 2));
}

async function startServer(method: string): Promise<number> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const hostKey = privateKey.export({ type: 'pkcs1', format: 'pem' });
  const server = new Server({ hostKeys: [hostKey] }, (client) => {
    client.on('error', () => {});
    client.on('authentication', (auth) => accept(auth, method));
    client.on('session', (acceptSession) => {
      acceptSession().on('sftp', (acceptSftp) => serve(acceptSftp() as SFTPWrapper & ServerChannel));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const CASES = [
  { method: 'password', password: PASSWORD, isGood: true },
  { method: 'password', password: 'other', isGood: false },
  { method: 'keyboard-interactive', password: PASSWORD, isGood: true },
  { method: 'keyboard-interactive', password: 'other', isGood: false },
];
test.each(CASES)('$method with "$password"', async ({ method, password, isGood }) => {
  const port = await startServer(method);
  const config = { host: '127.0.0.1', port, username: 'x', password, container: '/' };
  const source = backend.open(config, { dataDir: '', serviceName: 'files', connectionsMax: 1 });
  const outcome = await source.stat('', Deadline.after(10_000)).catch((error: unknown) => error);
  await source.close();
  expect(outcome).toMatchObject(
    isGood ? { isFolder: true } : { code: 'unavailable', message: 'The storage refuses these credentials.' },
  );
});
