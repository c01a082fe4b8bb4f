/** The connection to Azure Tables: each request once, ended by the deadline, and patiently where the store throttles. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import {
  AzureNamedKeyCredential,
  type TableServiceClientOptions as Options,
  TableClient,
  TableServiceClient,
} from '@azure/data-tables';
import type { Deadline } from '#common/deadline.ts';
import { whileThrottled, withSignal } from '../throttling.ts';
import type { AzureTablesConfig } from './config.ts';
import { isThrottled, translate } from './errors.ts';

type Policy = NonNullable<Options['additionalPolicies']>[number]['policy'];

/** Tables whose clients are kept; one is made in a moment. */
const CLIENTS_MAX = 1000;

export class AzureTablesClient {
  readonly service: TableServiceClient;
  readonly #tables = new Map<string, TableClient>();
  readonly #config: AzureTablesConfig;
  readonly #credential: AzureNamedKeyCredential;
  readonly #agent: HttpAgent;
  readonly #options: Options;

  constructor(config: AzureTablesConfig, connectionsMax: number) {
    this.#config = config;
    this.#credential = new AzureNamedKeyCredential(config.account, config.key);
    const isPlain = config.endpoint.startsWith('http:');
    const Agent = isPlain ? HttpAgent : HttpsAgent;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connectionsMax });
    this.#options = {
      allowInsecureConnection: isPlain,
      // Retries of the driver know no deadline of ours.
      retryOptions: { maxRetries: 0 },
      additionalPolicies: [{ policy: throughAgent(this.#agent), position: 'perCall' }],
    };
    this.service = new TableServiceClient(config.endpoint, this.#credential, this.#options);
  }

  table(name: string): TableClient {
    const known = this.#tables.get(name);
    if (known) return known;
    const table = new TableClient(this.#config.endpoint, name, this.#credential, this.#options);
    if (this.#tables.size >= CLIENTS_MAX) this.#tables.clear();
    this.#tables.set(name, table);
    return table;
  }

  /** @throws what Azure said; a store that throttles until the deadline is `overloaded` */
  request<T>(deadline: Deadline, send: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    return whileThrottled(() => withSignal(deadline, send), isThrottled, deadline);
  }

  /** The same, with what is thrown in our terms. @throws MillraceError */
  async ask<T>(deadline: Deadline, send: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await this.request(deadline, send);
    } catch (error) {
      throw translate(error);
    }
  }

  async close(): Promise<void> {
    this.#agent.destroy();
  }
}

const throughAgent = (agent: HttpAgent): Policy => ({
  name: 'agentOfTheService',
  sendRequest(request, next) {
    request.agent = agent as NonNullable<typeof request.agent>;
    return next(request);
  },
});
