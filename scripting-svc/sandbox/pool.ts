/** The warm realms of a process and the cells that they are in. Those that were not used for longest leave first. */
import { LRUCache } from 'lru-cache';
import type { Caps } from './caps.ts';
import type { Program } from './compile.ts';
import { Cell, Realm } from './realm.ts';

/** What a realm is for. Equal keys: the same script version, the same caller. */
export interface Wanted {
  readonly key: string;
  readonly program: Program;
  readonly memoryMb: number;
  /** JSON for the prelude. */
  readonly settings: string;
}

export class Pool {
  readonly #caps: Caps;
  readonly #isPatient: boolean;
  readonly #onCatastrophe: ((cell: Cell) => void) | undefined;
  readonly #byKey = new Map<string, Realm[]>();
  readonly #recent: LRUCache<Realm, string>;
  /** With room for one more realm, by memory. */
  readonly #cells = new Map<number, Set<Cell>>();

  /** @param onCatastrophe  for the patient lane: V8 has lost an isolate and its thread, and the process lives */
  constructor(caps: Caps, isPatient: boolean, onCatastrophe?: (cell: Cell) => void) {
    this.#caps = caps;
    this.#isPatient = isPatient;
    this.#onCatastrophe = onCatastrophe;
    this.#recent = new LRUCache({ max: caps.contexts, dispose: (key, realm) => this.#remove(realm, key) });
  }

  get size(): number {
    return this.#recent.size;
  }

  /** A warm realm for this key, its cell this run's alone until it is released; undefined: all are busy, or there is none. */
  find(key: string): Realm | undefined {
    const realms = this.#byKey.get(key);
    if (!realms) return undefined;
    for (const realm of realms) {
      if (realm.cell.isBusy) continue;
      this.#recent.get(realm);
      realm.cell.isBusy = true;
      return realm;
    }
    return undefined;
  }

  /** A new realm, leased as well; one with imports is not linked yet. */
  make(wanted: Wanted): Realm {
    const cell = this.#cellFor(wanted);
    cell.isBusy = true;
    const realm = this.#furnish(cell, wanted);
    const others = this.#byKey.get(wanted.key);
    if (others) others.push(realm);
    else this.#byKey.set(wanted.key, [realm]);
    this.#recent.set(realm, wanted.key);
    if (cell.realms.size >= this.#caps.contextsPerIsolate) this.#cells.get(cell.memoryMb)?.delete(cell);
    return realm;
  }

  /** The run is over. @param isGood  false: nothing shall run in this realm again */
  release(realm: Realm, isGood: boolean): void {
    const { cell } = realm;
    realm.host = undefined;
    cell.isBusy = false;
    if (cell.isDead || cell.isolate.isDisposed) this.retire(cell);
    else if (!isGood) this.#recent.delete(realm);
    // It left while it ran.
    else if (!this.#recent.has(realm)) realm.dispose();
  }

  /** Everything in it leaves. */
  retire(cell: Cell): void {
    cell.kill();
    this.#cells.get(cell.memoryMb)?.delete(cell);
    for (const realm of [...cell.realms]) {
      if (!this.#recent.delete(realm)) cell.realms.delete(realm);
    }
  }

  close(): void {
    this.#recent.clear();
    for (const cells of this.#cells.values()) for (const cell of cells) cell.kill();
    this.#cells.clear();
  }

  #furnish(cell: Cell, wanted: Wanted): Realm {
    try {
      const realm = new Realm(cell, wanted.program, wanted.settings, this.#isPatient);
      if (wanted.program.imports.length === 0) realm.link([]);
      return realm;
    } catch (error) {
      this.retire(cell);
      throw error;
    }
  }

  #cellFor(wanted: Wanted): Cell {
    let cells = this.#cells.get(wanted.memoryMb);
    if (!cells) {
      cells = new Set();
      this.#cells.set(wanted.memoryMb, cells);
    }
    let free: Cell | undefined;
    for (const cell of cells) {
      if (cell.isBusy) continue;
      if (cell.holds(wanted.program)) return cell;
      free ??= cell;
    }
    if (free) return free;
    const onCatastrophe = this.#onCatastrophe;
    const cell: Cell = new Cell(wanted.memoryMb, onCatastrophe && (() => onCatastrophe(cell)));
    cells.add(cell);
    return cell;
  }

  #remove(realm: Realm, key: string): void {
    const others = this.#byKey.get(key);
    const index = others?.indexOf(realm) ?? -1;
    if (others && index >= 0) others.splice(index, 1);
    if (others?.length === 0) this.#byKey.delete(key);
    const { cell } = realm;
    // What runs is not pulled away: `release` sees that it has left.
    if (cell.isBusy && realm.host !== undefined) return;
    realm.dispose();
    if (cell.isDead) return;
    if (cell.realms.size === 0 && !cell.isBusy) this.retire(cell);
    else this.#cells.get(cell.memoryMb)?.add(cell);
  }
}
