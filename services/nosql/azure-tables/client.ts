/** The connection to Azure Tables: each request once, ended by the deadline, and patiently where the store is throttling. */
import { AzureNamedKeyCredential, TableClient, TableServiceClient } from '@azure/data-tables';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError, notFound } from '#common/errors.ts';
import { whileThrottled, withSignal } from '../throttling.ts';
import type { AzureTablesConfig } from './config.ts';
import { isThrottled, translate } from './errors.ts';
import { type ReadEntity, readEntities, readEntity } from './types.ts';

const CONFLICT = 409;
const NOT_FOUND = 404;

/** One page of a list, as Azure gives it. */
export interface EntityPage {
  readonly entities: readonly ReadEntity[];
  readonly token: string | undefined;
}

interface PageQuery {
  readonly filter: string | undefined;
  readonly select: string[] | undefined;
  readonly max: number;
  readonly token: string | undefined;
}

type Options = NonNullable<Parameters<TableServiceClient['createTable']>[1]>;

export class AzureClient {
  readonly #config: AzureTablesConfig;
  readonly #credential: AzureNamedKeyCredential;
  readonly #service: TableServiceClient;
  readonly #tables = new Map<string, TableClient>();

  constructor(config: AzureTablesConfig) {
    this.#config = config;
    this.#credential = new AzureNamedKeyCredential(config.account, config.key);
    this.#service = new TableServiceClient(config.endpoint, this.#credential, this.#options());
  }

  #options() {
    // Retries of the driver know no deadline of ours.
    return { allowInsecureConnection: this.#config.endpoint.startsWith('http:'), retryOptions: { maxRetries: 0 } };
  }

  table(name: string): TableClient {
    const known =
      this.#tables.get(name) ?? new TableClient(this.#config.endpoint, name, this.#credential, this.#options());
    this.#tables.set(name, known);
    return known;
  }

  /** @throws what Azure said; a store that throttles until the deadline is `overloaded` */
  request<T>(deadline: Deadline, send: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    return whileThrottled(() => withSignal(deadline, send), isThrottled, deadline);
  }

  async tableNames(deadline: Deadline): Promise<string[]> {
    return this.#translated(deadline, async (abortSignal) => {
      const names: string[] = [];
      for await (const { name } of this.#service.listTables({ abortSignal })) if (name !== undefined) names.push(name);
      return names;
    });
  }

  /** The client finds nothing wrong with a table that is there already. */
  async createTable(name: string, deadline: Deadline): Promise<void> {
    const status = await this.#statusOf(deadline, (options) => this.#service.createTable(name, options));
    if (status === CONFLICT) throw new MillraceError('conflict', 'A table of this name already exists.');
  }

  /** Nor with one that is not. */
  async dropTable(name: string, deadline: Deadline): Promise<void> {
    const status = await this.#statusOf(deadline, (options) => this.#service.deleteTable(name, options));
    this.#tables.delete(name);
    if (status === NOT_FOUND) throw notFound('The database has no table of this name.');
  }

  #statusOf(deadline: Deadline, send: (options: Options) => Promise<void>): Promise<number> {
    return this.#translated(deadline, async (abortSignal) => {
      let status = 0;
      await send({ abortSignal, onResponse: (answer) => (status = answer.status) });
      return status;
    });
  }

  /** @throws what Azure said */
  getEntity(
    table: string,
    key: { partitionKey: string; rowKey: string },
    select: string[] | undefined,
    deadline: Deadline,
  ) {
    return this.request(deadline, async (abortSignal): Promise<ReadEntity> => {
      // Its own reading would lose what kind a number is, and fractions of seconds.
      let text = '{}';
      await this.table(table).getEntity(key.partitionKey, key.rowKey, {
        ...{ abortSignal, onResponse: ({ bodyAsText }) => (text = bodyAsText ?? '{}') },
        ...(select && { queryOptions: { select } }),
      });
      return readEntity(text);
    });
  }

  getPage(table: string, { filter, select, max, token }: PageQuery, deadline: Deadline): Promise<EntityPage> {
    return this.#translated(deadline, async (abortSignal) => {
      let text = '{}';
      const pages = this.table(table)
        .listEntities({
          ...{ abortSignal, onResponse: ({ bodyAsText }) => (text = bodyAsText ?? '{}') },
          queryOptions: { ...(filter !== undefined && { filter }), ...(select && { select }) },
        })
        .byPage({ maxPageSize: max, ...(token !== undefined && { continuationToken: token }) });
      const { value } = await pages.next();
      return { entities: readEntities(text), token: value?.continuationToken };
    });
  }

  async #translated<T>(deadline: Deadline, send: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await this.request(deadline, send);
    } catch (error) {
      throw translate(error);
    }
  }
}
