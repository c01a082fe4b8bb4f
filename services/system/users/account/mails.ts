/** The e-mails that accounts live by: which service and template they are sent with, and what they say. */

import { invalid, MillraceError } from '#common/errors.ts';
import type { SystemConfig } from '../../config.ts';
import type { Db } from '../../database/open.ts';
import type { Emails } from '../../email/service.ts';
import type { JsonObject } from '../../records/model.ts';
import type { Secrets } from '../../secrets.ts';
import { ownSettings } from '../../services/rules.ts';

export type Purpose = 'invite' | 'registration' | 'reset';

/** Whom an e-mail is about, and goes to. */
export interface Person {
  readonly email: string;
  readonly username: string | null;
  readonly name: string;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly phone: string | null;
}

interface Setup {
  readonly serviceId: number;
  readonly templateId: number;
}

const SETTINGS = { invite: 'invite', registration: 'open_reg', reset: 'password' } as const;
const HEADERS = {
  invite: 'New User Invitation',
  registration: 'Registration Confirmation',
  reset: 'Password Reset',
} as const;
const NOBODY = { userId: 0, roleId: 0, appId: 0 };

export class AccountMails {
  readonly #db: Db;
  readonly #emails: Emails;
  readonly #secrets: Secrets;
  readonly #config: SystemConfig;

  constructor(db: Db, emails: Emails, secrets: Secrets, config: SystemConfig) {
    this.#db = db;
    this.#emails = emails;
    this.#secrets = secrets;
    this.#config = config;
  }

  /** @throws MillraceError invalid where no service or no template is configured, unavailable where sending fails */
  async send(purpose: Purpose, isAdmin: boolean, person: Person, code: string): Promise<void> {
    const { serviceId, templateId } = await this.setup(purpose, isAdmin);
    const { email, username, name, first_name, last_name, phone } = person;
    const request: JsonObject = {
      ...{ to: email, email, username, name, first_name, last_name, phone },
      confirm_code: code,
      link: this.#link(purpose, isAdmin, person, code),
      content_header: HEADERS[purpose],
      app_name: this.#config.instanceName,
      instance_name: this.#config.instanceName,
    };
    await this.#emails.send({ serviceId, template: templateId, request, caller: NOBODY, plainValues: true });
  }

  /** Administrators have the settings of the service `system`, users those of `user`. @throws MillraceError invalid */
  async setup(purpose: Purpose, isAdmin: boolean): Promise<Setup> {
    const settings = await ownSettings(isAdmin ? 'system' : 'user', this.#db, this.#secrets);
    const serviceId = settings[`${SETTINGS[purpose]}_email_service_id`];
    const templateId = settings[`${SETTINGS[purpose]}_email_template_id`];
    if (typeof serviceId !== 'number') throw invalid(`No email service is configured for ${SPOKEN[purpose]}.`);
    if (typeof templateId !== 'number')
      throw invalid(`No default email template is configured for ${SPOKEN[purpose]}.`);
    return { serviceId, templateId };
  }

  /** Empty where no page is configured: then the code is entered where the user was asked for it. */
  #link(purpose: Purpose, isAdmin: boolean, { email, username }: Person, code: string): string {
    const { publicUrl, inviteUrl, registerUrl, resetUrl } = this.#config;
    const page = { invite: inviteUrl, registration: registerUrl, reset: resetUrl }[purpose];
    if (page === '') return '';
    const query = new URLSearchParams({ code, email, username: username ?? '' });
    if (purpose === 'invite') query.set('admin', isAdmin ? '1' : '0');
    const base = /^https?:\/\//.test(page) ? page : `${publicUrl}/${page.replace(/^\/+/, '')}`;
    return `${base}${base.includes('?') ? '&' : '?'}${query}`;
  }
}

const SPOKEN = { invite: 'invitations', registration: 'registrations', reset: 'password resets' } as const;

/** An invitation that could not be sent, in the original's words. */
export function inviteFailed(thrown: unknown): MillraceError {
  const { code, message, cause } = MillraceError.from(thrown);
  const ours = code === 'unavailable' || code === 'internal';
  return new MillraceError(ours ? code : 'invalid', `Error processing user invite. ${message}`, undefined, cause);
}
