/** Secrets in a package: sealed by a password (scrypt, AES-256-GCM), each bound to the record that it belongs to. */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { PASSWORD_LENGTH_MAX } from '#common/bounds.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { parseJson, stringifyJson } from '#common/json.ts';
import { isObject } from '../records/input.ts';
import type { JsonObject } from '../records/model.ts';

export const PASSWORD_LENGTH_MIN = 8;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** 64 MiB and about a fifth of a second for each guess. Fixed: a package does not say what opening it costs. */
const COST = { N: 65_536, r: 8, p: 1, maxmem: 128 * 1024 * 1024 };
/** What tells a wrong password before anything is looked at. */
const CHECK = 'package';

/** As the manifest holds it. */
export interface SealHeader {
  readonly salt: string;
  readonly check: string;
}

const derive = promisify(scrypt) as (
  password: string,
  salt: Uint8Array,
  length: number,
  options: typeof COST,
) => Promise<Buffer>;

export class Seal {
  readonly header: SealHeader;
  readonly #key: Uint8Array;

  private constructor(key: Uint8Array, salt: Uint8Array, check?: string) {
    this.#key = key;
    this.header = { salt: Buffer.from(salt).toString('base64'), check: check ?? this.seal(CHECK, {}) };
  }

  /** @throws MillraceError invalid for a password that is too short */
  static async make(password: unknown): Promise<Seal> {
    if (typeof password !== 'string' || password.length < PASSWORD_LENGTH_MIN) {
      throw invalid(`A secured package needs a password of at least ${PASSWORD_LENGTH_MIN} characters.`, {
        password: [`at least ${PASSWORD_LENGTH_MIN} characters`],
      });
    }
    const salt = randomBytes(SALT_BYTES);
    return new Seal(await keyOf(password, salt), salt);
  }

  /** @throws MillraceError invalid for another password */
  static async of(header: unknown, password: string): Promise<Seal> {
    if (!isObject(header) || typeof header['salt'] !== 'string' || typeof header['check'] !== 'string') {
      throw invalid("The package is secured, but its manifest does not say how: 'seal' is missing.");
    }
    if (password === '') throw invalid('The package is secured: its password is needed.', { password: ['required'] });
    const salt = Buffer.from(header['salt'], 'base64');
    const seal = new Seal(await keyOf(password, salt), salt, header['check']);
    seal.open(CHECK, header['check']);
    return seal;
  }

  /** @param owner  what the secrets belong to: they open nowhere else */
  seal(owner: string, secrets: JsonObject): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(owner));
    const body = Buffer.concat([cipher.update(stringifyJson(secrets), 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
  }

  /** @throws MillraceError invalid for another password, another owner or a changed text */
  open(owner: string, sealed: unknown): JsonObject {
    try {
      const bytes = Buffer.from(String(sealed), 'base64');
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(owner)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const body = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
      const secrets = parseJson(Buffer.concat([body, decipher.final()]));
      if (!isObject(secrets)) throw new Error('no object');
      return secrets;
    } catch (cause) {
      const what =
        owner === CHECK ? 'The password is not that of the package.' : `The secrets of ${owner} do not open.`;
      throw new MillraceError('invalid', what, { password: ['wrong'] }, cause);
    }
  }
}

function keyOf(password: string, salt: Uint8Array): Promise<Buffer> {
  if (password.length > PASSWORD_LENGTH_MAX) throw invalid(`A password has at most ${PASSWORD_LENGTH_MAX} characters.`);
  return derive(password, salt, 32, COST);
}
