/** Passwords: argon2id for ours, bcrypt for those that came from elsewhere. */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash as argonHash, verify as argonVerify } from '@node-rs/argon2';
import { verify as bcryptVerify } from '@node-rs/bcrypt';
import { PASSWORD_CHECKS_MAX, PASSWORD_LENGTH_MAX } from '#common/bounds.ts';
import { MillraceError } from '#common/errors.ts';

/** Hashing takes all of a core: one is left for everybody else. */
const AT_ONCE_MAX = Math.max(1, availableParallelism() - 1);

export class Passwords {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
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
        return comparable && !password.includes('\0') && (await bcryptVerify(password, stored));
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
    if (this.#running + this.#waiting.length >= PASSWORD_CHECKS_MAX) {
      throw new MillraceError('overloaded', 'Too many sign-ins at once.');
    }
    if (this.#running < AT_ONCE_MAX) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
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
