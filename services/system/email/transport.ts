/** What sends a message that is ready; there is one for each type of service. */
import type { SendMailOptions } from 'nodemailer';
import type { Address } from './addresses.ts';
import type { Message } from './compose.ts';

export interface Sent {
  /** How many recipients it goes to. */
  readonly accepted: number;
  /** Addresses that were not taken, where others were. */
  readonly rejected: readonly string[];
}

export interface Transport {
  /** @throws MillraceError unavailable, or invalid where nobody of the recipients is taken */
  send(message: Message): Promise<Sent>;
  close(): void;
}

/** In the terms of the mail library. Only texts: it would read files and addresses for anything else. */
export function toMail({ from, replyTo, to, cc, bcc, subject, text, html }: Message): SendMailOptions {
  return {
    from,
    ...(replyTo && { replyTo }),
    to: [...to],
    cc: [...cc],
    bcc: [...bcc],
    subject,
    ...(text !== undefined && { text }),
    ...(html !== undefined && { html }),
    xMailer: false,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

export const recipients = ({ to, cc, bcc }: Message): readonly Address[] => [...to, ...cc, ...bcc];
