/** Against a real mail server on loopback. */
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { JsonObject } from '../records/model.ts';
import type { Message } from './compose.ts';
import { smtpTransport } from './smtp.ts';
import type { Transport } from './transport.ts';

const MESSAGE: Message = {
  from: { name: 'F', address: 'from@x.yz' },
  replyTo: { name: '', address: 'reply@x.yz' },
  to: [{ name: '', address: 'to@x.yz' }],
  cc: [{ name: '', address: 'cc@x.yz' }],
  bcc: [{ name: '', address: 'hidden@x.yz' }],
  subject: 'Hi',
  text: 'Hello',
  html: undefined,
};

interface Got {
  readonly to: readonly string[];
  readonly from: string;
  readonly secure: boolean;
  readonly user: unknown;
  readonly text: string;
}

const ANSWER_TIMEOUT_MS = 1000;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  while (closing.length > 0) await closing.pop()?.();
});

beforeAll(() => {
  // The certificate that the server of the tests brings along is known to everybody, as it says each time.
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  return () => said.mockRestore();
});

/** A mail server that keeps what it gets. */
async function mailServer(options: SMTPServerOptions = {}) {
  const got: Got[] = [];
  let connections = 0;
  const server = new SMTPServer({
    authOptional: true,
    onConnect: (_session, callback) => {
      connections += 1;
      callback();
    },
    onAuth: ({ username, password }, _session, callback) => {
      if (username === 'me' && password === 'secret') callback(null, { user: username });
      else callback(new Error('Invalid username or password'));
    },
    onRcptTo: ({ address }, _session, callback) => {
      if (address.startsWith('no')) callback(Object.assign(new Error('No such user here'), { responseCode: 550 }));
      else callback();
    },
    onData: (stream, session, callback) => {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        got.push({
          to: rcptTo.map(({ address }) => address),
          from: mailFrom ? mailFrom.address : '',
          secure: session.secure,
          user: session.user,
          text: Buffer.concat(parts).toString(),
        });
        callback();
      });
    },
    ...options,
  });
  server.on('error', () => {}); // clients that leave in the middle
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(() => resolve(undefined))));
  const { port } = server.server.address() as AddressInfo;
  return { got, port, connections: () => connections };
}

function transportTo(port: number, settings: JsonObject = {}): Transport {
  const transport = smtpTransport({ host: '127.0.0.1', port, ...settings }, ANSWER_TIMEOUT_MS);
  closing.push(() => transport.close());
  return transport;
}

describe('a mail server', () => {
  const trusted = { verify_certificate: false };
  test.each<[string, SMTPServerOptions, JsonObject, Partial<Got>]>([
    ['without encryption', { disabledCommands: ['STARTTLS'] }, {}, { secure: false }],
    ['with what it offers', {}, trusted, { secure: true }],
    ['with encryption from STARTTLS on', {}, { encryption: 'tls', ...trusted }, { secure: true }],
    ['with encryption from the beginning', { secure: true }, { encryption: 'ssl', ...trusted }, { secure: true }],
    ['never encrypted', {}, { encryption: 'none' }, { secure: false }],
    ['with an account', {}, { username: 'me', password: 'secret', ...trusted }, { secure: true, user: 'me' }],
    [
      'with an account on the same machine',
      { disabledCommands: ['STARTTLS'], allowInsecureAuth: true },
      { username: 'me', password: 'secret' },
      { secure: false, user: 'me' },
    ],
  ])('%s', async (_why, options, settings, expected) => {
    const { got, port } = await mailServer(options);
    expect(await transportTo(port, settings).send(MESSAGE)).toEqual({ accepted: 3, rejected: [] });
    expect(got).toMatchObject([{ from: 'from@x.yz', to: ['to@x.yz', 'cc@x.yz', 'hidden@x.yz'], ...expected }]);
    expect(got[0]?.text).toMatch(/^Reply-To: reply@x\.yz\r$/m);
    expect(got[0]?.text).not.toContain('hidden');
    expect(got[0]?.text).not.toMatch(/mailer/i);
  });

  test.each<[string, SMTPServerOptions, JsonObject, string]>([
    ['no STARTTLS where it is wanted', { disabledCommands: ['STARTTLS'] }, { encryption: 'tls' }, 'unavailable'],
    ['a certificate that nobody vouches for', {}, { encryption: 'tls' }, 'unavailable'],
    ['a wrong password', {}, { username: 'me', password: 'wrong', ...trusted }, 'unavailable'],
    ['nothing but TLS', { secure: true }, { encryption: 'none' }, 'unavailable'],
  ])('%s', async (_why, options, settings, code) => {
    const { got, port } = await mailServer(options);
    const refused = transportTo(port, settings).send(MESSAGE);
    await expect(refused).rejects.toMatchObject({ code, message: expect.not.stringMatching(/127|secret|wrong|535/) });
    expect(got).toEqual([]);
  });

  test('no password leaves unencrypted for another machine', async () => {
    const { got, port } = await mailServer({ disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
    const settings = { host: '0.0.0.0', username: 'me', password: 'secret' };
    await expect(transportTo(port, settings).send(MESSAGE)).rejects.toMatchObject({ code: 'unavailable' });
    expect(got).toEqual([]);
  });

  test('who is not taken is named; where nobody is, it is said', async () => {
    const { got, port } = await mailServer();
    const transport = transportTo(port, { encryption: 'none' });
    const nobody = { name: '', address: 'nobody@x.yz' };
    expect(await transport.send({ ...MESSAGE, cc: [nobody], bcc: [] })).toEqual({
      accepted: 1,
      rejected: ['nobody@x.yz'],
    });
    await expect(transport.send({ ...MESSAGE, to: [nobody], cc: [], bcc: [] })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.not.stringContaining('nobody@x.yz'),
    });
    expect(got).toHaveLength(1);
  });

  test('connections are used again, and closed', async () => {
    const { got, port, connections } = await mailServer();
    const transport = transportTo(port, { encryption: 'none' });
    for (let n = 0; n < 3; n++) await transport.send(MESSAGE);
    expect([got.length, connections()]).toEqual([3, 1]);
    transport.close();
    await expect(transport.send(MESSAGE)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('no server is told in time', async () => {
    const { port } = await mailServer();
    await closing.pop()?.();
    await expect(transportTo(port).send(MESSAGE)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('nor does one that says nothing hold anybody up for long', async () => {
    const sockets = new Set<Socket>();
    const silent: Server = createServer((socket) => void sockets.add(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => silent.close(resolve));
    });
    const { port } = silent.address() as AddressInfo;
    const began = performance.now();
    await expect(transportTo(port).send(MESSAGE)).rejects.toMatchObject({ code: 'unavailable' });
    expect(performance.now() - began).toBeLessThan(10 * ANSWER_TIMEOUT_MS);
  });
});
