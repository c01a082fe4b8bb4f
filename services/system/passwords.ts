/** Passwords: argon2id for ours, bcrypt for those that came from elsewhere. */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { hash as argonHash, verify as argonVerify } from '@node-rs/argon2';
import bcrypt from 'bcryptjs';
import { PASSWORD_CHECKS_MAX, PASSWORD_LENGTH_MAX } from '#common/bounds.ts';
import { MillraceError } from '#common/errors.ts';

export class Passwords {
  #running = 0;
  #dummy: Promise<string> | undefined;

  /** @throws MillraceError overloaded */
  hash(password: string): Promise<string> {
    return this.#bounded(() => argonHash(password));
  }

  /**
   * Whether the whole password is the one that was hashed. Takes as long without a hash as with one, so that time does
   * not tell which accounts exist.
   *
   * @throws MillraceError overloaded
   */
  verify(password: string, stored: string | null): Promise<boolean> {
    const comparable = password.length <= PASSWORD_LENGTH_MAX;
    return this.#bounded(async () => {
      if (stored && isBcrypt(stored)) {
        // bcrypt repeats the password with a NUL between, so one that holds a NUL could pass for a shorter one.
        return comparable && !password.includes('\0') && (await bcrypt.compare(password, stored));
      }
      const same = await argonVerify(stored ?? (await this.#dummyHash()), comparable ? password : '');
      return same && comparable && stored !== null;
    });
  }

  #dummyHash(): Promise<string> {
    this.#dummy ??= argonHash(randomBytes(16).toString('hex'));
    return this.#dummy;
  }

  async #bounded<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= PASSWORD_CHECKS_MAX) throw new MillraceError('overloaded', 'Too many sign-ins at once.');
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
    }
  }
}

const isBcrypt = (stored: string): boolean => /^\$2[aby]\$/.test(stored);

/** Changes whenever the hash does, and says nothing about it. */
export function passwordVersion(stored: string | null): string {
  return stored === null ? '' : createHash('sha256').update(stored).digest('base64url').slice(0, 16);
}

const ALPHABET = 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** Letters and digits that are not mistaken for each other: 24 of them are 138 bits. */
export function generatePassword(length = 24): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}
