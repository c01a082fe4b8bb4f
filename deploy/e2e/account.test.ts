/** Registration, passwords, profiles, invitations and values of users, as programs and strangers call them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectPlainError } from './cases.ts';
import { type Answer, type Client, login, withKey, withToken } from './client.ts';
import { codeTo, mailsTo } from './mailbox.ts';
import { freePort, until } from './process.ts';
import { ADMIN, type Product, startProduct } from './product.ts';

const PASSWORD = 'Long-enough-pw-16';
const OTHER = 'Other-long-pw-1616';
const SOON_MS = 1000;
const ALL = 31;
/** So many answers in a row, each over a new connection, that both routers have given some. */
const ANSWERS = 12;

let product: Product;
let key: string;
let roleId: number;
let made = 0;
beforeAll(async () => {
  // Only this door shares a port on every Node version, and only a port with a number.
  const several = { MILLRACE_ROUTERS: '2', MILLRACE_HTTP_DOOR: 'uws', MILLRACE_HTTP_PORT: String(await freePort()) };
  product = await startProduct({ ...several, MILLRACE_LOG_LEVEL: 'debug' });
  const access = [{ service_id: 7, component: '*', verb_mask: ALL, requestor_mask: 1 }];
  const role = { name: 'member', is_active: true, role_service_access_by_role_id: access };
  roleId = (await product.admin.create('system/role', role)).id;
  const app = { name: 'app', is_active: true, role_id: roleId };
  key = (await product.admin.create<{ api_key: string }>('system/app?fields=*', app)).api_key;
});
afterAll(() => product?.stop());

const anyone = (): Client => product.anyone.as(withKey(key));
const signedIn = (token: string): Client => product.anyone.as({ ...withKey(key), ...withToken(token) });
const signIn = async (email: string, password: string): Promise<Client> =>
  signedIn(await login(anyone(), { email, password }, 'user/session'));
const configure = (config: object) => product.admin.json('PATCH', 'system/service/7', { config });

async function newUser(more: object = {}): Promise<{ id: number; email: string }> {
  made += 1;
  const email = `user.${made}@example.com`;
  const { id } = await product.admin.create('system/user', { email, first_name: 'U', password: PASSWORD, ...more });
  return { id, email };
}

async function expectRefusal(call: Promise<Answer>, status: number, message?: string): Promise<void> {
  const answer = await call;
  expect(`${answer.status} ${answer.text}`).toMatch(new RegExp(`^${status} `));
  expectPlainError(answer.text);
  if (message !== undefined) expect(JSON.parse(answer.text).error.message).toBe(message);
}

/** Every router answers so within a second. */
async function expectSoon(what: string, client: Client, status: number): Promise<void> {
  const all = () => Promise.all(Array.from({ length: ANSWERS }, () => client.send('GET', 'user/profile')));
  await until(what, async () => (await all()).every((answer) => answer.status === status), SOON_MS);
}

describe('registration', () => {
  test('is closed at first', async () => {
    const sent = { email: 'early@example.com', new_password: PASSWORD };
    await expectRefusal(product.anyone.send('POST', 'user/register', sent), 403, 'Open Registration is not enabled.');
  });

  test('with an e-mail: nobody gets in before the code comes back', async () => {
    await configure({ allow_open_registration: true, open_reg_role_id: roleId });
    const email = 'new.person@example.com';
    const answer = await product.anyone.json('POST', 'user/register?login=true', { email, password: PASSWORD });
    expect(answer).toEqual({ success: true, confirmation_required: true });
    await expectRefusal(product.anyone.send('POST', 'user/session', { email, password: PASSWORD }), 401);
    const code = await codeTo(product.folder, email);
    const wrong = { email, code: [...code].reverse().join(''), new_password: OTHER };
    await expectRefusal(product.anyone.send('POST', 'user/password', wrong), 400, 'Invalid confirmation code.');
    const confirmed = await product.anyone.json<{ success: boolean; session_token: string }>(
      'POST',
      'user/password?login=true',
      { email, code, new_password: OTHER },
    );
    expect(confirmed.success).toBe(true);
    expect(await signedIn(confirmed.session_token).json('GET', 'user/session')).toMatchObject({
      email,
      role_id: roleId,
    });
    await expectRefusal(product.anyone.send('POST', 'user/password', { email, code, new_password: PASSWORD }), 400);
    await signIn(email, OTHER);
  });

  test('without one: the account is good at once, and no more than a user', async () => {
    await configure({ open_reg_email_service_id: null });
    const answer = await product.anyone.send('POST', 'user/register?login=true', {
      email: 'plain@example.com',
      new_password: PASSWORD,
      is_sys_admin: true,
      confirm_code: null,
      user_to_app_to_role_by_user_id: [{ app_id: 1, role_id: 1 }],
    });
    expect(answer.status).toBe(200);
    // Nothing is lost in silence.
    for (const name of ['is_sys_admin', 'confirm_code', 'user_to_app_to_role_by_user_id']) {
      expect(answer.headers['warning']).toContain(name);
    }
    const me = signedIn(JSON.parse(answer.text).session_token);
    expect(await me.json('GET', 'user/session')).toMatchObject({ is_sys_admin: false, email: 'plain@example.com' });
    await expectRefusal(me.send('GET', 'system/user'), 403);
    await expectRefusal(
      product.anyone.send('POST', 'system/admin/session', { email: 'plain@example.com', password: PASSWORD }),
      401,
    );
  });

  test.each<[string, object | string, string?]>([
    ['no body', ''],
    ['a body that is none', '{"email":', 'application/json'],
    ['no address', { new_password: PASSWORD }],
    ['a short password', { email: 'x@example.com', new_password: 'short' }],
    ['a password that is no text', { email: 'x@example.com', new_password: { $ne: 1 } }],
    ['an address with a line break', { email: 'x@example.com\nBcc: y@z.ab', new_password: PASSWORD }],
  ])('%s is refused', async (_why, body) => {
    await expectRefusal(product.anyone.send('POST', 'user/register', body), 400);
  });

  test('a form does as well, and verbs that make no sense are refused', async () => {
    const form = 'email=form%40example.com&new_password=Long-enough-pw-16&first_name=Fo+rm';
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect((await product.anyone.send('POST', 'user/register', form, type)).text).toBe('{"success":true}');
    expect((await signIn('form@example.com', PASSWORD)).headers).toBeDefined();
    for (const [method, path] of [
      ['GET', 'user/register'],
      ['GET', 'user/password'],
      ['DELETE', 'user/profile'],
    ] as const) {
      await expectRefusal(product.admin.send(method, path), 400);
    }
  });
});

describe('nobody learns who has an account', () => {
  /** Answers without what differs by chance. */
  const bare = ({ status, text, headers }: Answer) => {
    const { date: _, 'x-request-id': __, ...same } = headers;
    return { status, text, headers: same };
  };
  const CASES: { why: string; path: string; body: (email: string) => object }[] = [
    { why: 'from signing in', path: 'user/session', body: (email) => ({ email, password: 'no' }) },
    { why: 'from a reset', path: 'user/password?reset=true', body: (email) => ({ email }) },
    {
      why: 'from a code',
      path: 'user/password',
      body: (email) => ({ email, code: '0'.repeat(32), new_password: OTHER }),
    },
    {
      why: 'from an answer',
      path: 'user/password',
      body: (email) => ({ email, security_answer: 'no', new_password: OTHER }),
    },
    {
      why: 'at the door of administrators',
      path: 'system/admin/password',
      body: (email) => ({ email, code: '0'.repeat(32), new_password: OTHER }),
    },
    { why: 'from registering', path: 'user/register', body: (email) => ({ email, new_password: OTHER }) },
  ];
  test.each(CASES)('$why', async ({ path, body }) => {
    const { email } = await newUser({ security_question: 'Pet?', security_answer: 'Rex' });
    const asked = [email, `ghost.${made}@example.com`, ADMIN.email];
    const answers = [];
    for (const address of asked) answers.push(bare(await product.anyone.send('POST', path, body(address))));
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
    await signIn(email, PASSWORD);
  });

  test('nor from how long an answer takes', async () => {
    const { email } = await newUser({ security_question: 'Pet?', security_answer: 'Rex' });
    const times: { known: number[]; unknown: number[] } = { known: [], unknown: [] };
    for (let n = 0; n < 4; n++) {
      for (const [who, address] of [
        ['known', email],
        ['unknown', `nobody.${made}@example.com`],
      ] as const) {
        const began = performance.now();
        await anyone().send('POST', 'user/password', { email: address, security_answer: 'no', new_password: OTHER });
        times[who].push(performance.now() - began);
      }
    }
    // The least of several is what the work itself takes, whatever else this machine does.
    const [known, unknown] = [Math.min(...times.known), Math.min(...times.unknown)];
    expect(Math.max(known, unknown) / Math.min(known, unknown)).toBeLessThan(2);
  });
});

describe('a password', () => {
  test('that is changed ends every other session on every router, within a second', async () => {
    const { email } = await newUser();
    const [here, there] = [await signIn(email, PASSWORD), await signIn(email, PASSWORD)];
    await expectSoon('signed in', there, 200);
    await expectRefusal(
      here.send('POST', 'user/password', { old_password: 'wrong', new_password: OTHER }),
      400,
      'The password supplied does not match.',
    );
    const changed = await here.json<{ session_token: string }>('POST', 'user/password?login=true', {
      old_password: PASSWORD,
      new_password: OTHER,
    });
    await expectSoon('the session elsewhere is dead', there, 403);
    await expectSoon('the one that changed it too', here, 403);
    await expectSoon('the new one lives', signedIn(changed.session_token), 200);
    await expectRefusal(product.anyone.send('POST', 'user/session', { email, password: PASSWORD }), 401);
  });

  test('that is forgotten is replaced by a code from an e-mail', async () => {
    const { email } = await newUser();
    const before = await signIn(email, PASSWORD);
    expect(await anyone().json('POST', 'user/password?reset=true', { email })).toEqual({ success: true });
    const code = await codeTo(product.folder, email);
    const sent = { email, code, new_password: OTHER };
    expect(await anyone().json('POST', 'user/password', sent)).toEqual({ success: true });
    await expectSoon('sessions of before are dead', before, 403);
    await signIn(email, OTHER);
  });

  test('is replaced by a security answer, and the question is told where that is wanted', async () => {
    const { email } = await newUser({ security_question: 'Pet?', security_answer: 'Rex' });
    await configure({ show_security_question: true });
    expect(await anyone().json('POST', 'user/password?reset=true', { email })).toEqual({ security_question: 'Pet?' });
    await configure({ show_security_question: false });
    const sent = { email, security_answer: 'Rex', new_password: OTHER };
    expect(await anyone().json('POST', 'user/password', sent)).toEqual({ success: true });
    await signIn(email, OTHER);
  });

  test('of an administrator is changed and reset at his own door', async () => {
    const email = 'second.admin@example.com';
    await product.admin.create('system/admin', { email, password: PASSWORD });
    const admin = product.anyone.as(withToken(await login(product.anyone, { email, password: PASSWORD })));
    expect(await admin.json('GET', 'system/admin/profile')).toMatchObject({ email, adldap: '' });
    const change = { old_password: PASSWORD, new_password: OTHER };
    expect(await admin.json('POST', 'system/admin/password', change)).toEqual({ success: true });
    expect(await anyone().json('POST', 'system/admin/password?reset=true', { email })).toEqual({ success: true });
    const code = await codeTo(product.folder, email);
    await expectRefusal(anyone().send('POST', 'user/password', { email, code, new_password: PASSWORD }), 400);
    const sent = { email, code, new_password: PASSWORD };
    expect(await anyone().json('POST', 'system/admin/password', sent)).toEqual({ success: true });
    await login(product.anyone, { email, password: PASSWORD });
  });

  test('is guessed slowly; the owner gets in again soon', async () => {
    const { email } = await newUser({ security_question: 'Pet?', security_answer: 'Rex' });
    const guess = () => anyone().send('POST', 'user/password', { email, security_answer: 'Tom', new_password: OTHER });
    const limited = await until('429', async () => {
      const answer = await guess();
      return answer.status === 429 && answer;
    });
    const wait = Number(limited.headers['retry-after']);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(2);
    expectPlainError(limited.text);
    expect(JSON.parse(limited.text).error).toMatchObject({ code: 429, context: { retry_after_seconds: wait } });
    // By his password at once, by his answer when the wait is over.
    await signIn(email, PASSWORD);
    const sent = { email, security_answer: 'Rex', new_password: OTHER };
    await until('the answer opens', async () => (await anyone().send('POST', 'user/password', sent)).status === 200);
    await signIn(email, OTHER);
  });
});

describe('a profile', () => {
  test('is changed by its owner, and gives no rights', async () => {
    const { id, email } = await newUser();
    const me = await signIn(email, PASSWORD);
    const answer = await me.send('PATCH', 'user/profile', {
      phone: '123',
      is_sys_admin: true,
      role_id: 1,
      confirm_code: 'x',
      password: OTHER,
    });
    expect(answer.text).toBe('{"success":true}');
    expect(answer.headers['warning']).toContain('is_sys_admin');
    expect(await me.json('GET', 'user/profile')).toMatchObject({ phone: '123', email });
    expect(await me.json('GET', 'user/session')).toMatchObject({ id, is_sys_admin: false });
    await expectRefusal(product.anyone.send('GET', 'user/profile'), 401);
    await expectRefusal(product.anyone.send('POST', 'user/profile', { phone: '1' }), 404);
    await expectRefusal(me.send('GET', 'system/admin/profile'), 403);
    await expectRefusal(me.send('POST', 'user/profile', {}), 400, 'No data supplied for operation.');
  });

  test('another address takes the password, and ends the sessions of before', async () => {
    const { email } = await newUser();
    const me = await signIn(email, PASSWORD);
    const change = { email: `moved.${email}` };
    await expectRefusal(me.send('POST', 'user/profile', change), 400, 'Current Password required to change email');
    const { session_token: token } = await me.json<{ session_token: string }>('POST', 'user/profile', {
      ...change,
      current_password: PASSWORD,
    });
    await expectSoon('the old token is dead', me, 401);
    expect(await signedIn(token).json('GET', 'user/profile')).toMatchObject(change);
  });
});

describe('an invitation', () => {
  test.each([
    ['user', 'user/session', 'user/password'],
    ['admin', 'system/admin/session', 'system/admin/password'],
  ])('of a new %s', async (resource, session, password) => {
    const email = `invited.${resource}@example.com`;
    const { resource: answer } = await product.admin.json<{ resource: object[] }>(
      'POST',
      `system/${resource}?send_invite=true&fields=id,email,confirmed`,
      { resource: [{ email, first_name: 'I' }] },
    );
    expect(answer).toMatchObject([{ email, confirmed: false }]);
    const code = await codeTo(product.folder, email);
    await anyone().json('POST', password, { email, code, new_password: PASSWORD });
    await login(anyone(), { email, password: PASSWORD }, session);
  });

  test('cannot be asked for by users', async () => {
    const me = await signIn((await newUser()).email, PASSWORD);
    await expectRefusal(me.send('POST', 'system/user?send_invite=true', [{ email: 'x@example.com' }]), 403);
  });
});

describe('values', () => {
  test('of a user are his own', async () => {
    const [one, another] = [
      await signIn((await newUser()).email, PASSWORD),
      await signIn((await newUser()).email, PASSWORD),
    ];
    const record = { name: 'theme', value: { dark: true } };
    const created = await one.send('POST', 'user/custom', { resource: [record] });
    expect([created.status, created.text]).toEqual([201, '{"resource":[{"name":"theme"}]}']);
    expect(await one.json('GET', 'user/custom/theme')).toEqual(record.value);
    expect(await one.json('GET', 'user/custom?as_list=true')).toEqual({ resource: ['theme'] });
    expect(await another.json('GET', 'user/custom')).toEqual({ resource: [] });
    await expectRefusal(another.send('GET', 'user/custom/theme'), 404);
    await expectRefusal(another.send('DELETE', 'user/custom/theme'), 404);
    expect(await one.json('PATCH', 'user/custom/theme', { value: 1 })).toEqual({ name: 'theme' });
    expect(await one.json('DELETE', 'user/custom?ids=theme')).toEqual({ resource: [{ name: 'theme' }] });
    await expectRefusal(anyone().send('GET', 'user/custom'), 401);
    await expectRefusal(product.anyone.send('GET', 'user/custom'), 400);
  });

  test('of the installation are written by those who may', async () => {
    await product.admin.json('POST', 'system/custom', { resource: [{ name: 'motd', value: 'hello' }] });
    expect(await product.admin.json('GET', 'system/custom/motd')).toBe('hello');
    expect(await product.admin.json('GET', 'system/custom?as_list=true')).toEqual({ resource: ['motd'] });
    await expectRefusal((await signIn((await newUser()).email, PASSWORD)).send('GET', 'system/custom/motd'), 403);
    expect(await product.admin.json('DELETE', 'system/custom/motd')).toEqual({ name: 'motd' });
  });
});

test('the resources of the service, as they are listed', async () => {
  expect(await anyone().json('GET', 'user?as_list=true')).toEqual({
    resource: ['custom', 'password', 'profile', 'register', 'session'],
  });
  await expectRefusal(anyone().send('GET', 'user/nosuch'), 404);
});

test('no code and no password stands in the log', () => {
  const log = product.running.output();
  const codes = mailsTo(product.folder, '@example.com').flatMap((mail) => mail.match(/^[0-9A-Z]{32}/m) ?? []);
  expect(codes.length).toBeGreaterThan(5);
  expect([...codes, PASSWORD, OTHER, 'Rex'].filter((secret) => log.includes(secret))).toEqual([]);
});
