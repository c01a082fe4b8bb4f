/** The connection to DynamoDB: each request once, ended by the deadline, and patiently where the store is throttling. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { HttpsProxyAgent } from 'https-proxy-agent';
import type { Deadline } from '#common/deadline.ts';
import { whileThrottled, withSignal } from '../throttling.ts';
import type { DynamoConfig } from './config.ts';
import { isThrottled, translate } from './errors.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** The driver says to every user of Node 20 that it will not be served for ever: which Node this runs on is known. */
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

export class DynamoClient {
  readonly #client: DynamoDBClient;
  readonly #agents: readonly HttpAgent[];

  constructor(config: DynamoConfig, connectionsMax: number) {
    const [httpAgent, httpsAgent] = agentsFor(config.proxy, connectionsMax);
    this.#agents = [httpAgent, httpsAgent];
    this.#client = new DynamoDBClient({
      region: config.region,
      ...(config.credentials && { credentials: config.credentials }),
      ...(config.endpoint !== undefined && { endpoint: config.endpoint }),
      // Retries of the driver know no deadline of ours.
      maxAttempts: 1,
      requestHandler: { httpAgent, httpsAgent, connectionTimeout: CONNECT_TIMEOUT_MS },
    });
  }

  /** @throws what DynamoDB said; a store that throttles until the deadline is `overloaded` */
  request<T>(deadline: Deadline, send: (client: DynamoDBClient, signal: AbortSignal) => Promise<T>): Promise<T> {
    return whileThrottled(() => withSignal(deadline, (signal) => send(this.#client, signal)), isThrottled, deadline);
  }

  /** The same, with what is thrown in our terms. @throws MillraceError */
  async ask<T>(deadline: Deadline, send: (client: DynamoDBClient, signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await this.request(deadline, send);
    } catch (error) {
      throw translate(error);
    }
  }

  async close(): Promise<void> {
    this.#client.destroy();
    for (const agent of this.#agents) agent.destroy();
  }
}

function agentsFor(proxy: string | undefined, connectionsMax: number): readonly [HttpAgent, HttpsAgent] {
  const options = { keepAlive: true, maxSockets: connectionsMax };
  if (proxy === undefined) return [new HttpAgent(options), new HttpsAgent(options)];
  const agent = new HttpsProxyAgent(proxy, options);
  return [agent, agent as unknown as HttpsAgent];
}
