/** Where the product may call to outside of itself: hosts that the administrator names, and never an inner address by chance. */
import { BlockList, isIP } from 'node:net';

export interface OutboundPolicy {
  /**
   * `host`, `host:port`, `*.host`, `*`, an address, or a range like `10.0.0.0/8`. Addresses that are not public are
   * called only where they (or a range around them, or `localhost`) stand here, whatever name led to them.
   */
  readonly hosts: readonly string[];
  /** Of the content of one answer. */
  readonly bytesMax: number;
  /** For the next word of a host. */
  readonly timeoutMs: number;
}

export const NO_OUTBOUND: OutboundPolicy = { hosts: [], bytesMax: 10_485_760, timeoutMs: 10_000 };

/** Everything that is not the public internet: RFC 6890 and what clouds keep their metadata at. */
const INNER = ranges([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '168.63.129.16/32',
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/9',
  'ff00::/8',
]);

const PATTERN = /^(\[[^\]]+\]|[^:]+|[^[\]]*:[^[\]]*:[^[\]]*)(?::(\d+))?$/;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

export class Outbound {
  readonly #patterns: readonly { host: string; port: string | undefined }[];
  readonly #named: BlockList;
  readonly #ranges: BlockList;

  constructor(policy: OutboundPolicy) {
    this.#patterns = policy.hosts.flatMap((text) => {
      const parts = PATTERN.exec(text.trim().toLowerCase());
      return parts ? [{ host: bare(parts[1]!), port: parts[2] }] : [];
    });
    const hosts = this.#patterns.map((pattern) => pattern.host);
    this.#ranges = ranges(hosts.filter((host) => isIP(host.split('/')[0]!) !== 0));
    this.#named = this.#ranges;
    if (hosts.includes('localhost')) {
      this.#named.addSubnet('127.0.0.0', 8, 'ipv4');
      this.#named.addAddress('::1', 'ipv6');
    }
  }

  /** Whether the host of this URL is one of those that are named. */
  allowsHost(url: URL): boolean {
    const host = bare(url.hostname.toLowerCase());
    const port = url.port || DEFAULT_PORTS[url.protocol];
    if (isIP(host) !== 0 && check(this.#ranges, host)) return true;
    return this.#patterns.some(
      (pattern) => (pattern.port === undefined || pattern.port === port) && matches(pattern.host, host),
    );
  }

  /** Whether a connection may be made to this address, which is what a name stood for a moment ago. */
  allowsAddress(address: string): boolean {
    const plain = unmapped(address);
    return !check(INNER, plain) || check(this.#named, plain);
  }
}

function matches(pattern: string, host: string): boolean {
  if (pattern === '*') return true;
  if (pattern.startsWith('*.')) return host.endsWith(pattern.slice(1));
  return pattern === host;
}

const bare = (host: string): string => host.replace(/^\[|\]$/g, '');

/** An IPv4 address that is written as an IPv6 one is what it stands for. */
function unmapped(address: string): string {
  const plain = bare(address.split('%')[0]!.toLowerCase());
  if (isIP(plain) !== 6) return plain;
  // A URL writes any IPv6 address in its shortest form, the last 32 bits in hexadecimal.
  const host = bare(new URL(`http://[${plain}]/`).hostname);
  const parts = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host);
  if (!parts) return host;
  const [high, low] = [Number.parseInt(parts[1]!, 16), Number.parseInt(parts[2]!, 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

const check = (list: BlockList, address: string): boolean => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

function ranges(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', bits] = text.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
