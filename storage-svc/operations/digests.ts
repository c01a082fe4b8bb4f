/** Sums over the bytes of a file as they pass by. */
import { createHash, type Hash } from 'node:crypto';
import { invalid } from '#common/errors.ts';

/** Name on the wire → Node's. */
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
  ['sha', 'sha1'],
  ['md5', 'md5'],
]);

export class Digests {
  readonly #hashes: ReadonlyMap<string, Hash>;

  /** @throws MillraceError invalid for a name that is not known */
  constructor(names: readonly string[]) {
    this.#hashes = new Map(
      names.map((name) => {
        const algorithm = ALGORITHMS.get(name);
        if (!algorithm) throw invalid(`There is no digest '${name}'; known: ${[...ALGORITHMS.keys()].join(', ')}.`);
        return [name, createHash(algorithm)];
      }),
    );
  }

  add(bytes: Uint8Array): void {
    for (const hash of this.#hashes.values()) hash.update(bytes);
  }

  /** Call once, last. @throws MillraceError invalid where one is another @returns all of them, in base64 */
  require(said: Readonly<Record<string, string>>): Record<string, string> {
    const sums = this.values();
    for (const [name, value] of Object.entries(said)) {
      if (sums[name] !== value)
        throw invalid(`The content does not have the digest '${name}' that was said.`, { digest: name });
    }
    return sums;
  }

  /** In base64. Call once, last. */
  values(): Record<string, string> {
    return Object.fromEntries([...this.#hashes].map(([name, hash]) => [name, hash.digest('base64')]));
  }
}
