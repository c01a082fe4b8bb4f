/** Whether a server is the one that an administrator knows: fingerprints of its key, in the forms that tools print. */
import { createHash } from 'node:crypto';
import { wrongSetting } from '#common/config/settings.ts';

export interface Fingerprint {
  readonly algorithm: 'md5' | 'sha1' | 'sha256';
  readonly digest: Buffer;
}

const BYTES = { md5: 16, sha1: 20, sha256: 32 } as const;
const ALGORITHMS = Object.keys(BYTES) as (keyof typeof BYTES)[];

/** @param text  `SHA256:` and base64, `MD5:` and hexadecimal with colons, or hexadecimal alone. @throws MillraceError invalid */
export function readFingerprint(text: string): Fingerprint {
  const [, name, rest = ''] = /^(?:(md5|sha1|sha256):)?(.+)$/i.exec(text.trim()) ?? [];
  const hex = rest.replaceAll(':', '');
  const isHex = /^[0-9a-f]+$/i.test(hex) && ALGORITHMS.some((algorithm) => BYTES[algorithm] * 2 === hex.length);
  const digest = isHex ? Buffer.from(hex, 'hex') : /^[\w+/]+=*$/.test(rest) ? Buffer.from(rest, 'base64') : undefined;
  const algorithm = ALGORITHMS.find((each) => BYTES[each] === digest?.length);
  if (!digest || !algorithm || (name && name.toLowerCase() !== algorithm))
    throw wrongSetting('host_fingerprint', 'a fingerprint as ssh-keygen -l shows it');
  return { algorithm, digest };
}

/** @param key  the public key in the form that SSH sends it */
export const isKeyOf = ({ algorithm, digest }: Fingerprint, key: Buffer): boolean =>
  createHash(algorithm).update(key).digest().equals(digest);

/** Kinds of keys, each with the names of signatures that are made with it. A server may have one of each. */
const KEY_KINDS: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
};

export const kindOf = (key: Buffer): string => key.toString('latin1', 4, 4 + key.readUInt32BE(0));

/** What may be asked for where keys of these kinds were not the right one. */
export const signaturesBut = (kinds: ReadonlySet<string>): string[] =>
  Object.entries(KEY_KINDS).flatMap(([kind, names]) => (kinds.has(kind) ? [] : names));
