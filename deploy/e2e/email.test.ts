/** E-mail services: through a real mail server, and who may use them. */
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectPlainError } from './cases.ts';
import { type Client, login, withKey } from './client.ts';
import { mailsTo } from './mailbox.ts';
import { until } from './process.ts';
import { type Product, startProduct } from './product.ts';

const SECRET = 'smtp-secret-of-tests';
const POST = 2;

interface Mail {
  readonly to: readonly string[];
  readonly text: string;
}

const mails: Mail[] = [];
const server = new SMTPServer({
  disabledCommands: ['STARTTLS'],
  allowInsecureAuth: true,
  onAuth: ({ username, password }, _session, callback) => {
    if (username === 'me' && password === SECRET) callback(null, { user: username });
    else callback(new Error('Invalid username or password'));
  },
  onRcptTo: ({ address }, _session, callback) => {
    if (address.startsWith('no')) callback(Object.assign(new Error('No such user'), { responseCode: 550 }));
    else callback();
  },
  onData: (stream, session, callback) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => {
      const to = session.envelope.rcptTo.map(({ address }) => address);
      mails.push({ to, text: Buffer.concat(parts).toString() });
      callback();
    });
  },
});

let product: Product;
let sender: Client;
let reader: Client;
let smtpId: number;
beforeAll(async () => {
  server.on('error', () => {}); // clients that leave in the middle
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  product = await startProduct({ MILLRACE_LOG_LEVEL: 'debug' });
  const config = { host: '127.0.0.1', port, username: 'me', password: SECRET, from_email: 'shop@x.yz' };
  const service = { name: 'smtp', type: 'smtp_email', is_active: true, config };
  smtpId = (await product.admin.create('system/service', service)).id;
  const clientOf = async (name: string, verb_mask: number): Promise<Client> => {
    const access = [{ service_id: smtpId, component: '', verb_mask, requestor_mask: 1 }];
    const role = { name, is_active: true, role_service_access_by_role_id: access };
    const { id: role_id } = await product.admin.create('system/role', role);
    const app = { name, is_active: true, role_id };
    const { api_key } = await product.admin.create<{ api_key: string }>('system/app?fields=*', app);
    return product.anyone.as(withKey(api_key));
  };
  sender = await clientOf('sender', POST);
  reader = await clientOf('reader', 1);
});
afterAll(async () => {
  await product?.stop();
  await new Promise<void>((resolve) => server.close(resolve));
});

const sent = async (count: number): Promise<Mail> =>
  until(`e-mail ${count}`, async () => mails.length >= count && mails.at(-1));

describe('POST on an e-mail service', () => {
  test('sends through the mail server', async () => {
    const answer = await sender.json('POST', 'smtp', {
      to: 'Ann <ann@x.yz>, bob@x.yz',
      cc: [{ name: 'Cid', email: 'cid@x.yz' }],
      bcc: 'dan@x.yz',
      subject: 'Hi {who}',
      body_text: 'Hello {who} {unknown}',
      body_html: '<b>Hello {who}</b>',
      who: 'all of you',
    });
    expect(answer).toEqual({ count: 4 });
    const mail = await sent(1);
    expect(mail.to).toEqual(['ann@x.yz', 'bob@x.yz', 'cid@x.yz', 'dan@x.yz']);
    for (const part of [
      /^From: shop@x\.yz\r$/m,
      /^To: Ann <ann@x\.yz>, bob@x\.yz\r$/m,
      /^Cc: Cid <cid@x\.yz>\r$/m,
      /^Subject: Hi all of you\r$/m,
      /^Hello all of you \{unknown\}\r$/m,
      /<b>Hello all of you<\/b>/,
    ]) {
      expect(mail.text).toMatch(part);
    }
    expect(mail.text).not.toContain('dan@x.yz');
  });

  test('by a template, with what the request says instead', async () => {
    const before = mails.length;
    await product.admin.create('system/email_template', {
      name: 'order',
      to: 'orders@x.yz',
      subject: 'Order {number}',
      body_text: 'Thank you, {name}.',
      from_name: 'Shop',
    });
    expect(await sender.json('POST', 'smtp?template=order', { number: '7', name: 'Eve' })).toEqual({ count: 1 });
    const mail = await sent(before + 1);
    expect(mail).toMatchObject({ to: ['orders@x.yz'], text: expect.stringMatching(/^Subject: Order 7\r$/m) });
    expect(mail.text).toContain('Thank you, Eve.');
    expect(mail.text).toMatch(/^From: Shop <shop@x\.yz>\r$/m);
  });

  test('once, however often it is sent with the same key', async () => {
    const before = mails.length;
    const body = { to: 'once@x.yz', body_text: 'x' };
    const headers = { 'Idempotency-Key': 'mail-1' };
    for (let n = 0; n < 3; n++) {
      expect((await sender.send('POST', 'smtp', body, headers)).text).toBe('{"count":1}');
    }
    expect(mails).toHaveLength(before + 1);
  });

  test('writes a file where the service is a local one', async () => {
    expect(await product.admin.json('POST', 'email', { to: 'file@x.yz', body_text: 'Hello' })).toEqual({ count: 1 });
    expect(mailsTo(product.folder, 'file@x.yz')).toHaveLength(1);
  });

  const TO = { to: 'ann@x.yz', body_text: 'x' };
  test('no header begins in another', async () => {
    const before = mails.length;
    const evil = 'x\r\nBcc: evil@example.com\r\n\r\nbody';
    await sender.json('POST', 'smtp', { ...TO, subject: evil, from_name: evil, reply_to_name: evil });
    const mail = await sent(before + 1);
    expect(mail.to).toEqual(['ann@x.yz']);
    expect(mail.text).not.toMatch(/^Bcc:/m);
  });

  test('names those whom the mail server does not take', async () => {
    const answer = await sender.json('POST', 'smtp', { ...TO, cc: 'nobody@x.yz' });
    expect(answer).toEqual({ count: 1, rejected: ['nobody@x.yz'] });
  });

  const multipart = { 'Content-Type': 'multipart/form-data; boundary=x' };
  const REFUSALS: {
    why: string;
    body: object | string;
    headers?: Record<string, string>;
    path?: string;
    status: number;
    says: string;
  }[] = [
    { why: 'nothing', body: {}, status: 400, says: 'No valid data in request.' },
    { why: 'nobody to send it to', body: { body_text: 'x' }, status: 400, says: 'to' },
    { why: 'an address that is none', body: { ...TO, cc: 'bad' }, status: 400, says: "Invalid email - 'bad'." },
    {
      why: 'an address with another header',
      body: { ...TO, to: 'a@b.cd\r\nBcc: x@y.z' },
      status: 400,
      says: 'Invalid email',
    },
    {
      why: 'an unknown template',
      body: TO,
      path: 'smtp?template=nosuch',
      status: 404,
      says: "Email Template 'nosuch' not found",
    },
    { why: 'a file', body: { ...TO, attachment: { service: 'files', path: 'x' } }, status: 400, says: 'attachment' },
    {
      why: 'a file from an address',
      body: { ...TO, import_url: 'http://127.0.0.1/' },
      status: 400,
      says: 'import_url',
    },
    { why: 'a form with a file', body: '--x--', headers: multipart, status: 400, says: 'attachment' },
    { why: 'a resource', body: TO, path: 'smtp/x', status: 404, says: 'x' },
    { why: 'nobody is taken', body: { ...TO, to: 'nobody@x.yz' }, status: 400, says: 'mail server' },
  ];
  test.each(REFUSALS)('$why is refused', async ({ body, headers = {}, path = 'smtp', status, says }) => {
    const before = mails.length;
    const answer = await product.admin.send('POST', path, body, headers);
    expect(`${answer.status} ${answer.text}`).toMatch(new RegExp(`^${status} `));
    expectPlainError(answer.text);
    expect(JSON.parse(answer.text).error.message).toContain(says);
    expect(mails).toHaveLength(before);
  });
});

describe('who may send', () => {
  test.each(['GET', 'PUT', 'PATCH', 'DELETE'])('%s means nothing', async (method) => {
    const { status, text } = await product.admin.send(method, 'smtp', method === 'GET' ? undefined : {});
    expect([status, JSON.parse(text).error.message]).toEqual([
      400,
      `${method} requests without a resource are not currently supported by the 'smtp' service.`,
    ]);
  });

  test('only whose role says so', async () => {
    const body = { to: 'ann@x.yz', body_text: 'x' };
    for (const [client, path, status] of [
      [reader, 'smtp', 401],
      [sender, 'email', 401],
      [product.anyone, 'smtp', 400],
    ] as const) {
      expect((await client.send('POST', path, body)).status).toBe(status);
    }
    await product.admin.json('PATCH', `system/service/${smtpId}`, { is_active: false });
    await until('switched off', async () => (await sender.send('POST', 'smtp', body)).status === 403);
    await product.admin.json('PATCH', `system/service/${smtpId}`, { is_active: true });
    await until('switched on', async () => (await sender.send('POST', 'smtp', body)).status === 200);
  });
});

test('registration goes through the service that is configured; a server that is down leaves no account', async () => {
  const before = mails.length;
  const config = { allow_open_registration: true, open_reg_email_service_id: smtpId };
  await product.admin.json('PATCH', 'system/service/7', { config });
  await product.anyone.json('POST', 'user/register', { email: 'smtp.user@x.yz' });
  const code = /^([0-9A-Z]{32})\r$/m.exec((await sent(before + 1)).text)?.[1];
  const account = { email: 'smtp.user@x.yz', password: 'Long-enough-pw-16' };
  await product.anyone.json('POST', 'user/password', { email: account.email, code, new_password: account.password });
  await login(product.anyone, account, 'user/session');

  await product.admin.json('PATCH', `system/service/${smtpId}`, { config: { password: 'wrong' } });
  const failed = await product.anyone.send('POST', 'user/register', { email: 'lost@x.yz' });
  expect(failed.status).toBe(503);
  expectPlainError(failed.text);
  const users = await product.admin.json<{ resource: unknown[] }>('GET', "system/user?filter=email = 'lost@x.yz'");
  expect(users.resource).toEqual([]);
});

test('secrets of a service are neither shown nor logged', async () => {
  const { text } = await product.admin.send('GET', `system/service/${smtpId}`);
  expect(text).toContain('**********');
  expect([text, product.running.output()].filter((seen) => seen.includes(SECRET))).toEqual([]);
});
