/** The client of the suites: sends exactly what a row says (paths and bodies as they are), reads what comes back. */
import { type IncomingHttpHeaders, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export type Headers = Readonly<Record<string, string>>;
/** An object is sent as JSON, text and bytes as they are. */
export type Body = object | string | Uint8Array | undefined;

const TIMEOUT_MS = 30_000;
const PREFIX = '/api/v2/';

export class Client {
  readonly origin: string;
  /** Sent with each request. */
  readonly headers: Headers;

  constructor(origin: string, headers: Headers = {}) {
    this.origin = origin;
    this.headers = headers;
  }

  /** The same door with other credentials. */
  as(headers: Headers): Client {
    return new Client(this.origin, headers);
  }

  /**
   * @param path  below /api/v2/, or from the root where it begins with a slash; sent as it is, but for blanks and
   * quotes, which no URL may hold
   */
  send(method: string, path: string, body?: Body, headers: Headers = {}): Promise<Answer> {
    const target = (path.startsWith('/') ? path : PREFIX + path).replace(/[ "<>]/g, encodeURIComponent);
    const isBytes = typeof body === 'string' || body instanceof Uint8Array;
    const payload = body === undefined ? undefined : Buffer.from(isBytes ? (body as string) : JSON.stringify(body));
    const sent = {
      ...this.headers,
      ...(payload && { 'Content-Type': 'application/json', 'Content-Length': String(payload.length) }),
      ...headers,
    };
    return new Promise((resolve, reject) => {
      // A connection of its own for each: what one case does to its connection never reaches the next.
      const options = { method, headers: sent, agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) } as const;
      const { hostname, port } = new URL(this.origin);
      const call = request({ ...options, hostname, port, path: target }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.once('error', reject);
        response.once('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      });
      call.once('error', reject);
      call.end(payload);
    });
  }

  /** What a successful call answers. @throws Error with the answer of one that is none */
  async json<T = unknown>(method: string, path: string, body?: Body): Promise<T> {
    const answer = await this.send(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path} was answered with ${answer.status}: ${answer.text}`);
    return JSON.parse(answer.text) as T;
  }

  /** Creates one record and gives its answer. */
  async create<T = { id: number }>(path: string, record: object): Promise<T> {
    const { resource } = await this.json<{ resource: [T] }>('POST', path, { resource: [record] });
    return resource[0];
  }
}

export const withKey = (apiKey: string): Headers => ({ 'X-DreamFactory-API-Key': apiKey });
export const withToken = (token: string): Headers => ({ 'X-DreamFactory-Session-Token': token });
export const withBasic = (user: string, password: string): Headers => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

/** @returns the session token */
export async function login(
  client: Client,
  account: { readonly email: string; readonly password: string },
  path = 'system/admin/session',
): Promise<string> {
  return (await client.json<{ session_token: string }>('POST', path, account)).session_token;
}
