/** A service over an opened NoSQL engine. */
import { tmpdir } from 'node:os';
import pino from 'pino';
import type { ServiceConfig } from '#common/engine.ts';
import { ServiceBench } from '#common/testing/bench.ts';
import type { NoSqlEngine, NoSqlSource } from '../engine.ts';
import { NoSqlService } from '../service.ts';

export interface BenchOptions {
  readonly engine: NoSqlEngine;
  readonly config: ServiceConfig;
  /** Taken instead of one that is opened: stores in memory are lost with theirs. */
  readonly source?: NoSqlSource;
}

export class Bench extends ServiceBench {
  readonly source: NoSqlSource;

  constructor({ engine, config, source: given }: BenchOptions) {
    const source = given ?? engine.open(config, { dataDir: tmpdir(), serviceName: 'db', connectionsMax: 4 });
    super(
      (saveExtras) =>
        new NoSqlService({
          id: 1,
          name: 'db',
          engine,
          config,
          source,
          extras: [],
          maxRecordsReturned: 1000,
          saveExtras,
          log: pino({ level: 'silent' }),
        }),
    );
    this.source = source;
  }
}
