/** E-mail services and templates as records, and what is sent with them. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { Target } from '#proto/data/v1/data_pb.ts';
import { SendEmailRequestSchema } from '#proto/system/v1/system_pb.ts';
import { EMAIL_SERVICE } from './account-calls.ts';
import { ALL, fields, list, one, patch, post, remove } from './actions.ts';
import type { Suite } from './suite.ts';
import { replyOf } from './system.ts';

const TIMEOUT_MS = 20_000;

export function emailCases(suite: Suite): void {
  const send = async (message: object, more: MessageInitShape<typeof SendEmailRequestSchema> = {}) => {
    const messageJson = Buffer.from(JSON.stringify(message));
    const request = create(SendEmailRequestSchema, { serviceId: EMAIL_SERVICE, messageJson, ...more });
    return replyOf(await suite.system.emails.call('send', request, TIMEOUT_MS));
  };
  const lastTo = async (address: string) => (await suite.system.mailsTo(address)).at(-1) ?? '';

  describe('templates', () => {
    test('are there from the beginning', async () => {
      const selection = fields('id', 'name', 'subject', 'to', 'from_name');
      const common = { to: null, from_name: 'DO NOT REPLY' };
      expect((await suite.system.json(list('email_template', { selection }))).slice(0, 3)).toEqual([
        { id: 1, name: 'User Invite Default', subject: '[DF] New User Invitation', ...common },
        { id: 2, name: 'User Registration Default', subject: '[DF] Registration Confirmation', ...common },
        { id: 3, name: 'Password Reset Default', subject: '[DF] Password Reset', ...common },
      ]);
    });

    test.each<[string, unknown, unknown]>([
      ['a text', 'a@b.cd', 'a@b.cd'],
      ['a comma list', 'a@b.cd, c@d.ef', ['a@b.cd', 'c@d.ef']],
      ['a list', ['a@b.cd'], ['a@b.cd']],
      ['a name with an address', { name: 'A', email: 'a@b.cd' }, { name: 'A', email: 'a@b.cd' }],
      ['a list of those', [{ name: 'A', email: 'a@b.cd' }], [{ name: 'A', email: 'a@b.cd' }]],
      ['a lookup', '{user.email}', '{user.email}'],
      ['nothing', '', null],
    ])('recipients: %s', async (why, sent, expected) => {
      const records = [{ name: `to ${why}`, to: sent, cc: sent, bcc: sent, attachment: null }];
      const [template] = await suite.system.json(post('email_template', { selection: ALL }), { records });
      expect(template).toMatchObject({ to: expected, cc: expected, bcc: expected, defaults: null, attachment: null });
    });

    test.each<[string, object, string]>([
      ['no name', { subject: 'x' }, 'name'],
      ['a name that is taken', { name: 'password reset default' }, 'name'],
      ['a long subject', { name: 'long', subject: 'x'.repeat(81) }, 'subject'],
      ['recipients that are none', { name: 'bad to', to: [5] }, 'to'],
      ['a file', { name: 'bad file', attachment: 'http://localhost/x' }, 'attachment'],
    ])('%s is refused', async (_why, record, field) => {
      await expect(suite.system.execute(post('email_template'), { records: [record] })).rejects.toMatchObject({
        batch: { outcomes: [{ error: { code: 'invalid', context: { [field]: expect.any(Array) } } }] },
      });
    });
  });

  describe('sending', () => {
    test('by a template, by its name or its id', async () => {
      const record = {
        name: 'greeting',
        to: 'standing@x.yz',
        subject: 'Hi {name}',
        body_text: 'Hello {name}, {user.first_name} of {city}.',
        from_name: 'F',
        from_email: 'f@g.hi',
      };
      const [{ id }] = await suite.system.json(post('email_template'), { records: [record] });
      await suite.system.execute(post('lookup'), { records: [{ name: 'city', value: 'Riga' }] });
      const userId = await suite.makeUser('sender@example.com', {
        first_name: 'Ann',
        lookup_by_user_id: [{ name: 'city', value: 'Tartu' }],
      });
      expect(await send({ name: 'Bob' }, { template: 'greeting' })).toEqual({ count: 1 });
      expect(await lastTo('standing@x.yz')).toMatch(
        /Subject: Hi Bob\r\n[\s\S]*Hello Bob, \{user\.first_name\} of Riga\./,
      );
      expect(await lastTo('standing@x.yz')).toMatch(/^From: F <f@g\.hi>\r$/m);
      const mine = { to: 'other@x.yz', cc: ['c@d.ef'], name: 'Cid' };
      expect(await send(mine, { templateId: id, userId })).toEqual({ count: 2 });
      expect(await lastTo('other@x.yz')).toContain('Hello Cid, Ann of Tartu.');
      expect(await suite.system.mailsTo('standing@x.yz')).toHaveLength(1);
    });

    test('a private lookup is never told', async () => {
      await suite.system.execute(post('lookup'), { records: [{ name: 'mail.secret', value: 'hush', private: true }] });
      await send({ to: 'curious@x.yz', body_text: '[{mail.secret}]' });
      expect(await lastTo('curious@x.yz')).toContain('[{mail.secret}]');
    });

    test.each<[string, object, object, string]>([
      ['an unknown template', {}, { template: 'nosuch' }, 'not_found'],
      ['a template with a NUL', {}, { template: 'a\0' }, 'not_found'],
      ['an unknown id', {}, { templateId: 999_999 }, 'not_found'],
      ['nothing', {}, {}, 'invalid'],
      ['no recipient', { subject: 'x', body_text: 'y' }, {}, 'invalid'],
      ['a service that sends nothing', { to: 'a@b.cd', body_text: 'x' }, { serviceId: 7 }, 'invalid'],
      ['a service that is not there', { to: 'a@b.cd', body_text: 'x' }, { serviceId: 999_999 }, 'not_found'],
    ])('%s is refused', async (_why, message, more, code) => {
      await expect(send(message, more)).rejects.toMatchObject({ code });
    });
  });

  test('settings of a mail server are checked, sealed and masked', async () => {
    const config = { host: 'mail.example', username: 'me', password: 'smtp-secret', encryption: 'tls' };
    const records = [{ name: 'smtp', type: 'smtp_email', is_active: true, config }];
    const [service] = await suite.system.json(post('service', { selection: ALL }), { records });
    expect(service.config).toEqual({
      service_id: service.id,
      ...config,
      port: 587,
      verify_certificate: true,
      password: '**********',
      ...{ from_name: null, from_email: null, reply_to_name: null, reply_to_email: null, parameters: null },
    });
    const pushed = await suite.router.until((update) => update.services.some(({ name }) => name === 'smtp'));
    expect(Buffer.from(pushed.services[0]!.configJson).toString()).toBe('');
    await suite.system.execute(patch('service', Target.ONE), {
      keys: [service.id],
      records: { config: { port: 25, password: '**********' } },
    });
    expect((await suite.system.json(one('service'), { keys: [service.id] })).config).toMatchObject({
      port: 25,
      password: '**********',
    });
    for (const bad of [{ host: '' }, { encryption: 'rot13' }, { port: 'x' }]) {
      await expect(
        suite.system.execute(patch('service', Target.ONE), { keys: [service.id], records: { config: bad } }),
      ).rejects.toMatchObject({ code: 'invalid' });
    }
    await suite.system.execute(remove('service', Target.ONE), { keys: [service.id] });
  });
}
