/** What the caller may do with tables that an operation reaches on its way, as the router decided and sent along. */

import type { Filter, Shape, TableRule } from '#proto/data/v1/data_pb.ts';
import { MillraceError } from '../errors.ts';
import { rulesWanted } from '../table-rules.ts';
import { VERB_BITS } from '../verbs.ts';
import type { TableView } from './extras.ts';

export class TableAccess {
  readonly #service: string;
  readonly #unruled: boolean;
  readonly #rules: ReadonlyMap<string, TableRule>;

  constructor({ service, unruled, rules }: Pick<Shape, 'service' | 'unruled' | 'rules'>) {
    this.#service = service;
    this.#unruled = unruled;
    this.#rules = new Map(rules.map((rule) => [rule.table.toLowerCase(), rule]));
  }

  /** Call with all tables that are reached next. @throws MillraceError that names those whose rules did not come */
  require(tables: readonly TableView[]): void {
    if (this.#unruled) return;
    const missing = tables.filter((table) => !this.#ruleOf(table));
    // All of them, as the next answer may be remembered for all.
    if (missing.length > 0) throw rulesWanted([...this.#rules.keys(), ...new Set(missing.map((one) => one.wireName))]);
  }

  mayRead(table: TableView): boolean {
    return this.#unruled || this.#allows(table, 'GET');
  }

  /** The role's condition on the rows of a table. @throws MillraceError denied */
  reading(table: TableView): Filter | undefined {
    if (this.#unruled) return undefined;
    this.#demand(table, 'GET');
    return this.#ruleOf(table)?.rowFilter;
  }

  /**
   * May records of this table be written on the way? Not where the role has conditions for the verb.
   * @throws MillraceError denied
   */
  writing(table: TableView, verb: 'POST' | 'PATCH' | 'DELETE'): void {
    if (this.#unruled) return;
    this.#demand(table, verb);
    if (((this.#ruleOf(table)?.filteredVerbs ?? 0) & bitOf(verb)) !== 0) {
      throw denied(`Records of '${table.wireName}' are not written together with others: the role sets conditions.`);
    }
  }

  #demand(table: TableView, verb: string): void {
    this.require([table]);
    if (this.#allows(table, verb)) return;
    throw denied(
      `Access Forbidden. ${verb} access to component '_table/${table.wireName.toLowerCase()}' of service ` +
        `'${this.#service}' is not allowed by this user's role.`,
    );
  }

  #allows(table: TableView, verb: string): boolean {
    return ((this.#ruleOf(table)?.verbs ?? 0) & bitOf(verb)) !== 0;
  }

  #ruleOf(table: TableView): TableRule | undefined {
    return this.#rules.get(table.wireName.toLowerCase());
  }
}

const bitOf = (verb: string): number => VERB_BITS[verb] ?? 0;

const denied = (message: string): MillraceError => new MillraceError('denied', message);
