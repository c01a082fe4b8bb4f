/** The connection to a cluster: statements prepared once on each host, ended by the deadline, patient where it is busy. */
import { auth, Client, errors, policies, types } from 'cassandra-driver';
import { type Deadline, deadlinePassed } from '#common/deadline.ts';
import { inTime } from '#common/in-time.ts';
import { whileThrottled } from '../throttling.ts';
import type { CassandraConfig } from './config.ts';
import { isThrottled, translate } from './errors.ts';
import type { Statement } from './request.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const CONSISTENCIES = {
  one: 'one',
  local_one: 'localOne',
  quorum: 'quorum',
  local_quorum: 'localQuorum',
  each_quorum: 'eachQuorum',
  all: 'all',
} as const;

export interface Page {
  readonly fetchSize: number;
  readonly state: string | undefined;
}

export class CassandraClient {
  readonly #client: Client;
  readonly #consistency: number;
  /** Whichever connection is being made, it waits for that. */
  #last: Promise<unknown> | undefined;

  constructor(config: CassandraConfig) {
    const { hosts, keyspace, credentials, localDatacenter, consistency, tls } = config;
    this.#consistency = types.consistencies[CONSISTENCIES[consistency]];
    const hostsOf =
      localDatacenter === undefined
        ? new policies.loadBalancing.RoundRobinPolicy()
        : new policies.loadBalancing.DCAwareRoundRobinPolicy(localDatacenter);
    this.#client = new Client({
      contactPoints: [...hosts],
      keyspace,
      ...(localDatacenter !== undefined && { localDataCenter: localDatacenter }),
      ...(credentials && {
        authProvider: new auth.PlainTextAuthProvider(credentials.username, credentials.password),
      }),
      ...(tls && { sslOptions: { rejectUnauthorized: true, ...tls } }),
      policies: {
        loadBalancing: new policies.loadBalancing.TokenAwarePolicy(hostsOf),
        // Writes may have been done: whoever sent them decides.
        retry: new policies.retry.FallthroughRetryPolicy(),
      },
      socketOptions: { connectTimeout: CONNECT_TIMEOUT_MS },
      // What is prepared is prepared again where it is needed.
      prepareOnAllHosts: false,
    });
  }

  /** @throws MillraceError */
  async ask(deadline: Deadline, statement: Statement, page?: Page): Promise<types.ResultSet> {
    try {
      return await whileThrottled(() => this.#send(deadline, statement, page), isThrottled, deadline);
    } catch (error) {
      // Its time is what the request was given.
      if (error instanceof errors.OperationTimedOutError) throw deadline.reason ?? deadlinePassed();
      throw translate(error);
    }
  }

  #send(deadline: Deadline, { text, values }: Statement, page?: Page): Promise<types.ResultSet> {
    const options = {
      prepare: values.length > 0,
      consistency: this.#consistency,
      readTimeout: Math.max(1, deadline.remainingMs()),
      ...(page && { fetchSize: page.fetchSize, ...(page.state !== undefined && { pageState: page.state }) }),
    };
    const answer = this.#client.execute(text, [...values], options);
    this.#last = answer;
    return inTime(answer, deadline);
  }

  /** The driver lets go of a connection that is there, not of one that it is making: that is ended once it is made. */
  async close(): Promise<void> {
    await this.#client.shutdown();
    const shutdown = () => this.#client.shutdown();
    this.#last?.then(shutdown, shutdown).catch(() => {});
  }
}
