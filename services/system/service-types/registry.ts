/** The service types that connectors have announced, in memory: validation and masking ask for them all the time. */
import { isDeepStrictEqual } from 'node:util';
import type { ConfigField } from '#common/config/field.ts';
import type { ServiceType } from '#proto/access/v1/access_pb.ts';
import { besideOthers } from '../beside-others.ts';
import { type Changes, dirtyKinds } from '../changes.ts';
import type { Db } from '../database/open.ts';
import { OWN_TYPES } from './own.ts';

export interface KnownType {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly group: string;
  readonly singleton: boolean;
  /** Which tier serves it. */
  readonly tier: string;
  /** null: the type has no settings. */
  readonly configFields: readonly ConfigField[] | null;
}

export class ServiceTypes {
  #types: ReadonlyMap<string, KnownType> = new Map();
  readonly #waiting = new Set<{ readonly name: string; readonly resolve: () => void }>();

  get(name: string): KnownType | undefined {
    return this.#types.get(name);
  }

  /** Of several connectors that announce the same type, the last one counts. */
  async announce(changes: Changes, tier: string, announced: readonly ServiceType[]): Promise<void> {
    await this.#store(
      changes,
      announced.map((type) => fromMessage(type, tier)),
    );
  }

  async announceOwn(changes: Changes): Promise<void> {
    await this.#store(changes, OWN_TYPES);
  }

  async load(db: Db): Promise<readonly KnownType[]> {
    const rows = await db.selectFrom('service_type').selectAll().orderBy('name').execute();
    const types = rows.map((row) => ({
      name: row.name,
      label: row.label,
      description: row.description,
      group: row.group,
      singleton: row.singleton === 1,
      tier: row.tier,
      configFields: row.config_schema === null ? null : (JSON.parse(row.config_schema) as ConfigField[]),
    }));
    this.#types = new Map(types.map((type) => [type.name, type]));
    for (const waiter of this.#waiting) if (this.#types.has(waiter.name)) waiter.resolve();
    return types;
  }

  /** Resolves when a connector has announced the type; at once where it is known. */
  known(name: string, signal: AbortSignal): Promise<void> {
    if (this.#types.has(name)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (then: () => void): void => {
        this.#waiting.delete(waiter);
        signal.removeEventListener('abort', abort);
        then();
      };
      const abort = (): void => settle(() => reject(signal.reason));
      const waiter = { name, resolve: () => settle(resolve) };
      this.#waiting.add(waiter);
      signal.addEventListener('abort', abort);
    });
  }

  async #store(changes: Changes, types: readonly KnownType[]): Promise<void> {
    await besideOthers(() => this.#storeNews(changes, types));
    await this.load(changes.db);
  }

  async #storeNews(changes: Changes, types: readonly KnownType[]): Promise<void> {
    const news = types.filter((type) => !isDeepStrictEqual(type, this.#types.get(type.name)));
    if (news.length === 0) return;
    await changes.commit(dirtyKinds('serviceTypes', 'services'), async (trx) => {
      for (const { name, configFields, singleton, ...type } of news) {
        const schema = configFields === null ? null : JSON.stringify(configFields);
        const row = { ...type, singleton: singleton ? 1 : 0, config_schema: schema };
        // Not taken away first: of several that do so at once, all but one find the name taken when they write theirs.
        const update = trx.updateTable('service_type').set(row).where('name', '=', name);
        if ((await update.executeTakeFirst()).numUpdatedRows > 0n) continue;
        await trx
          .insertInto('service_type')
          .values({ name, ...row })
          .execute();
      }
    });
  }
}

function fromMessage(type: ServiceType, tier: string): KnownType {
  const { name, label, description, group, singleton, configSchemaJson } = type;
  const configFields =
    configSchemaJson.length > 0 ? (JSON.parse(Buffer.from(configSchemaJson).toString()) as ConfigField[]) : null;
  return { name, label, description, group, singleton, tier, configFields };
}
