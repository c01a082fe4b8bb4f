/** Which procedures and functions a database has: read when somebody first asks for one. */
import { Deadline } from '#common/deadline.ts';
import { notFound } from '#common/errors.ts';
import type { Routine } from '#common/schema/catalogue.ts';
import { RoutineKind } from '#proto/data/v1/data_pb.ts';
import type { SqlSource } from './engine.ts';

const INTROSPECTION_MS = 60_000;
/** What is not known is looked for again, but not more often. */
const PATIENCE_MS = 1000;

export class RoutineCache {
  readonly #source: SqlSource;
  readonly #serviceName: string;
  #routines: Promise<readonly Routine[]> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(source: SqlSource, serviceName: string) {
    this.#source = source;
    this.#serviceName = serviceName;
  }

  /** Does the engine have any? */
  get isThere(): boolean {
    return this.#source.routines !== undefined;
  }

  /** In the order of their names. @throws MillraceError not_found where the engine has none */
  async all(kind: RoutineKind, refresh: boolean): Promise<readonly Routine[]> {
    const wanted = kind === RoutineKind.PROCEDURE ? 'procedure' : 'function';
    if (!this.#source.routines) {
      const resource = wanted === 'procedure' ? '_proc' : '_func';
      throw notFound(`Resource '${resource}' not found for service '${this.#serviceName}'.`);
    }
    if (refresh) this.#routines = undefined;
    this.#routines ??= this.#read();
    return (await this.#routines).filter((routine) => routine.kind === wanted);
  }

  /** All of one name: a name may stand for several with other parameters. @throws MillraceError not_found */
  async named(kind: RoutineKind, name: string): Promise<readonly [Routine, ...Routine[]]> {
    const lower = name.toLowerCase();
    const find = async (refresh: boolean) =>
      (await this.all(kind, refresh)).filter((routine) => routine.name.toLowerCase() === lower);
    let found = await find(false);
    if (found.length === 0 && Date.now() - this.#readAt > PATIENCE_MS) found = await find(true);
    const [first, ...others] = found;
    if (first) return [first, ...others];
    const what = kind === RoutineKind.PROCEDURE ? 'Procedure' : 'Function';
    throw notFound(`${what} '${name}' does not exist in the database.`);
  }

  async #read(): Promise<readonly Routine[]> {
    try {
      const routines = await this.#source.routines?.(Deadline.after(INTROSPECTION_MS));
      this.#readAt = Date.now();
      return routines ?? [];
    } catch (error) {
      this.#routines = undefined;
      throw error;
    }
  }
}
