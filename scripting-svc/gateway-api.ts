/** What scripts call: the API, through the gateway of a router, as whoever the script acts for. */
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { GatewayClient } from '#common/gateway/client.ts';
import type { ApiAnswer, ApiCall, ScriptApi } from './sandbox/sandbox.ts';

export class GatewayApi implements ScriptApi {
  readonly #gateway: GatewayClient;

  constructor(gateway: GatewayClient) {
    this.#gateway = gateway;
  }

  /** Never throws for what the API answers; a gateway that cannot be reached is a 503. @throws MillraceError deadline */
  async call(
    { verb, path, query, headers, body }: ApiCall,
    { grant, requestId, deadline }: { grant: Uint8Array; requestId: string; deadline: Deadline },
  ): Promise<ApiAnswer> {
    const sent = { ...headers, 'X-Request-Id': requestId };
    try {
      const answer = await this.#gateway.call({ verb, path, query, headers: sent, body, grant }, deadline);
      const all = Object.fromEntries(answer.headers.map(({ name, value }) => [name.toLowerCase(), value]));
      return { status: answer.status, headers: all, contentType: all['content-type'], body: answer.body };
    } catch (error) {
      if (deadline.reason) throw deadline.reason;
      return unreachable(MillraceError.from(error));
    }
  }
}

function unreachable({ message }: MillraceError): ApiAnswer {
  const json = JSON.stringify({ error: { code: 503, context: null, message, status_code: 503 } });
  return { status: 503, headers: {}, contentType: 'application/json', body: Buffer.from(json) };
}
