/** What scripts call: the API, through the gateway of a router, as whoever the script acts for. */
import type { Deadline } from '#common/deadline.ts';
import type { GatewayClient } from '#common/gateway/client.ts';
import type { ApiAnswer, ApiCall, ScriptApi } from './sandbox/sandbox.ts';

export class GatewayApi implements ScriptApi {
  readonly #gateway: GatewayClient;

  constructor(gateway: GatewayClient) {
    this.#gateway = gateway;
  }

  /** Whatever the API answers is an answer. @throws MillraceError where it cannot be asked, or not in time */
  async call(
    { verb, path, query, headers, body }: ApiCall,
    { grant, requestId, deadline }: { grant: Uint8Array; requestId: string; deadline: Deadline },
  ): Promise<ApiAnswer> {
    const sent = { ...headers, 'X-Request-Id': requestId };
    const answer = await this.#gateway.call({ verb, path, query, headers: sent, body, grant }, deadline);
    const all = Object.fromEntries(answer.headers.map(({ name, value }) => [name.toLowerCase(), value]));
    return { status: answer.status, headers: all, contentType: all['content-type'], body: answer.body };
  }
}
