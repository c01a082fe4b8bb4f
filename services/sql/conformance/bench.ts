/** A service over an opened SQL engine. */
import pino from 'pino';
import { Deadline } from '#common/deadline.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { ServiceBench } from '#common/testing/bench.ts';
import type { Dialect } from '../dialect.ts';
import type { SqlEngine, SqlSource } from '../engine.ts';
import { SqlService } from '../service.ts';

export interface BenchOptions {
  readonly engine: SqlEngine;
  readonly config: ServiceConfig;
  readonly dataDir: string;
  readonly connectionsMax?: number;
  /** How often to look for changes by others. */
  readonly watchIntervalMs?: number;
}

export class Bench extends ServiceBench {
  readonly source: SqlSource;
  readonly dialect: Dialect;

  constructor({ engine, config, dataDir, connectionsMax = 4, watchIntervalMs }: BenchOptions) {
    const source = engine.open(config, { dataDir, serviceName: 'db', connectionsMax });
    super(
      (saveExtras) =>
        new SqlService({
          id: 1,
          name: 'db',
          engine,
          config,
          source,
          extras: [],
          maxRecordsReturned: 1000,
          saveExtras,
          log: pino({ level: 'silent' }),
          ...(watchIntervalMs && { watchIntervalMs }),
        }),
    );
    this.dialect = engine.dialect;
    this.source = source;
  }

  /** Statements of the engine's own SQL. */
  async sql(...statements: readonly string[]): Promise<void> {
    for (const text of statements) await this.source.run({ text, params: [], columns: [] }, Deadline.after(30_000));
  }
}
