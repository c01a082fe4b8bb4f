/** A file that others replace between the look at it and its sending, at a server that does so when the test wants it. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { collected } from '../conformance/bench.ts';
import { readFtpConfig } from './config.ts';
import { openFtp } from './source.ts';

const HOST = '127.0.0.1';
const DEADLINE_MS = 10_000;
/** What the file is, at the n-th look at it. */
type Sizes = (look: number) => { readonly looked: number; readonly announced: number; readonly sent: number };

async function listening(server: Server): Promise<number> {
  server.listen(0, HOST);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function speak(control: Socket, sizes: Sizes): void {
  let looks = 0;
  let came: Promise<[Socket]> | undefined;
  const say = (line: string): void => void control.write(`${line}\r\n`);
  const answers: Record<string, () => unknown> = {
    FEAT: () => say('211-Features:\r\n MLST type*;size*;modify*;\r\n211 End'),
    MLST: () => say(`250-Listing\r\n type=file;size=${sizes(looks).looked};modify=20260102030405; a\r\n250 End`),
    EPSV: async () => {
      const data = createServer((socket) => socket.on('error', () => {}));
      came = (once(data, 'connection') as Promise<[Socket]>).finally(() => data.close());
      say(`229 Entering Extended Passive Mode (|||${await listening(data)}|)`);
    },
    RETR: async () => {
      const { announced, sent } = sizes(looks++);
      say(`150 Opening BINARY mode data connection for a (${announced} bytes)`);
      const [socket] = (await came) ?? [];
      // Also where its reader has left.
      socket?.once('close', () => say('226 Transfer complete')).end('x'.repeat(sent));
    },
    CWD: () => say('550 No such folder'),
    PASS: () => say('230 Logged in'),
    USER: () => say('331 Password required'),
  };
  control.on('error', () => {});
  createInterface(control).on('line', (line) => (answers[line.split(' ')[0] as string] ?? (() => say('200 OK')))());
  say('220 Ready');
}

async function read(sizes: Sizes): Promise<string> {
  const server = createServer((control) => speak(control, sizes));
  const port = await listening(server);
  const source = openFtp(readFtpConfig({ host: HOST, port, container: '/' }), 2);
  try {
    return String(await collected((await source.read('a', {}, Deadline.after(DEADLINE_MS))).body));
  } finally {
    await source.close();
    server.close();
  }
}

test('one that is replaced each time somebody looks at it is read whole once it rests', async () => {
  const rests = { looked: 7, announced: 7, sent: 7 };
  expect(await read((look) => (look < 12 ? { looked: look + 1, announced: look + 2, sent: look + 2 } : rests))).toBe(
    'x'.repeat(7),
  );
});

test('one that never rests is not read as something else', async () => {
  await expect(read((look) => ({ looked: look + 1, announced: look + 2, sent: look + 2 }))).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('replaced'),
  });
});

test('a server may mean something else by the size that it says', async () => {
  expect(await read(() => ({ looked: 7, announced: 1, sent: 7 }))).toBe('x'.repeat(7));
});
