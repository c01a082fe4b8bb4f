/** Certificates for tests: an authority, and whom it vouches for. */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** undefined: they can be made. */
export const noCertificates = (): string | undefined =>
  spawnSync('openssl', ['version']).status === 0 ? undefined : 'openssl is not installed';

/** Paths of PEM files. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

export class Authority implements Certificate {
  readonly #folder: string;
  readonly certificate: string;
  readonly key: string;

  /** @param name  of its files, too */
  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.certificate = join(folder, `${name}.pem`);
    this.key = join(folder, `${name}.key`);
    const subject = ['-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE'];
    openssl(['req', '-x509', ...NEW_KEY, '-keyout', this.key, '-out', this.certificate, '-days', '2', ...subject]);
  }

  /** For a server at 127.0.0.1, or for a client. */
  issue(name: string): Certificate {
    const at = (end: string): string => join(this.#folder, `${name}.${end}`);
    openssl(['req', ...NEW_KEY, '-keyout', at('key'), '-out', at('csr'), '-subj', `/CN=${name}`]);
    writeFileSync(at('ext'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    const signed = ['-CA', this.certificate, '-CAkey', this.key, '-CAcreateserial', '-days', '2'];
    openssl(['x509', '-req', '-in', at('csr'), '-out', at('pem'), ...signed, '-extfile', at('ext')]);
    return { certificate: at('pem'), key: at('key') };
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
