/** A service over an opened NoSQL engine. */
import { tmpdir } from 'node:os';
import pino from 'pino';
import type { Deadline } from '#common/deadline.ts';
import type { ServiceConfig } from '#common/engine.ts';
import { JsonNumber } from '#common/json.ts';
import { type Ask, type Outcome, ServiceBench } from '#common/testing/bench.ts';
import type { NoSqlEngine, NoSqlSource } from '../engine.ts';
import { NoSqlService } from '../service.ts';

export interface BenchOptions {
  readonly engine: NoSqlEngine;
  readonly config: ServiceConfig;
  /** Taken instead of one that is opened: stores in memory are lost with theirs. */
  readonly source?: NoSqlSource;
  /** A member that the store puts into each record and changes with it: left out of what is compared. */
  readonly version?: string | undefined;
}

export class Bench extends ServiceBench {
  readonly source: NoSqlSource;
  readonly #version: string | undefined;

  constructor({ engine, config, source: given, version }: BenchOptions) {
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
    this.#version = version;
  }

  override async outcome(ask: Ask, deadline?: Deadline): Promise<Outcome> {
    return without(await super.outcome(ask, deadline), this.#version) as Outcome;
  }
}

function without(value: unknown, name: string | undefined): unknown {
  if (Array.isArray(value)) return value.map((each) => without(each, name));
  if (name === undefined || typeof value !== 'object' || value === null || value instanceof JsonNumber) return value;
  const members = Object.entries(value).filter(([key]) => key !== name);
  return Object.fromEntries(members.map(([key, member]) => [key, without(member, name)]));
}
