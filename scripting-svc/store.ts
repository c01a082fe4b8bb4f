/** What workers know: the active scripts with their texts, and what lookups stand for, as the system service pushes it. */

import type { Deadline } from '#common/deadline.ts';
import { within } from '#common/in-time.ts';
import { Removal_Kind as Kind, type Lookup, type Update } from '#proto/access/v1/access_pb.ts';
import { type Caller, type Script, Script_Kind, type ScriptKey } from '#proto/script/v1/script_pb.ts';

interface LookupValue {
  readonly value: string;
  readonly isPrivate: boolean;
}

/** Callers whose lookups are remembered. */
const CALLERS_MAX = 1_000;
/** Within it a change is pushed to all who watch. */
const PUSH_MS = 1_000;

export class PushedScripts {
  /** By kind and id. */
  readonly #scripts = new Map<string, Script>();
  readonly #byName = new Map<string, Script>();
  readonly #lookups = new Map<number, Lookup>();
  /** By user, role and app. */
  readonly #known = new Map<string, Readonly<Record<string, LookupValue>>>();
  #awaited: (() => void)[] = [];

  /** How many scripts there are. */
  get size(): number {
    return this.#scripts.size;
  }

  /** Waits a moment for the push of a version that is not known yet. @returns undefined: there is none */
  find(key: ScriptKey, deadline: Deadline): Script | undefined | Promise<Script | undefined> {
    const known = this.#scripts.get(keyOf(key.kind, key.id));
    return known?.hash === key.hash ? known : this.#await(key, deadline);
  }

  /** A script of an event, for those that import it. */
  byName(name: string): Script | undefined {
    return this.#byName.get(name);
  }

  /** Private ones included; user over role over app over system (system-api §8). The same object until they change. */
  lookups(caller: Caller): Readonly<Record<string, LookupValue>> {
    const key = `${caller.userId}/${caller.roleId}/${caller.appId}`;
    let known = this.#known.get(key);
    if (!known) {
      known = this.#lookupsOf(caller);
      if (this.#known.size >= CALLERS_MAX) this.#known.clear();
      this.#known.set(key, known);
    }
    return known;
  }

  #lookupsOf({ userId, roleId, appId }: Caller): Readonly<Record<string, LookupValue>> {
    const found = new Map<string, LookupValue & { rank: number }>();
    for (const { name, value, isPrivate, ...of } of this.#lookups.values()) {
      const rank = rankOf(of, userId, roleId, appId);
      if (rank > (found.get(name)?.rank ?? -1)) found.set(name, { value, isPrivate, rank });
    }
    return Object.fromEntries([...found].map(([name, { value, isPrivate }]) => [name, { value, isPrivate }]));
  }

  apply({ full, eventScripts, services, lookups, removals }: Update): void {
    if (full) {
      this.#scripts.clear();
      this.#byName.clear();
      this.#lookups.clear();
    }
    for (const { kind, id } of removals) {
      if (kind === Kind.EVENT_SCRIPT) this.#remove(Script_Kind.EVENT, id);
      if (kind === Kind.SERVICE) this.#remove(Script_Kind.SERVICE, id);
      if (kind === Kind.LOOKUP) this.#lookups.delete(id);
    }
    for (const { script } of eventScripts) if (script) this.#put(script);
    for (const { script } of services) if (script) this.#put(script);
    if (full || lookups.length > 0 || removals.length > 0) this.#known.clear();
    for (const lookup of lookups) this.#lookups.set(lookup.id, lookup);
    const awaited = this.#awaited;
    this.#awaited = [];
    for (const resolve of awaited) resolve();
  }

  #put(script: Script): void {
    this.#remove(script.kind, script.id);
    this.#scripts.set(keyOf(script.kind, script.id), script);
    if (script.kind === Script_Kind.EVENT) this.#byName.set(script.name, script);
  }

  #remove(kind: Script_Kind, id: number): void {
    const known = this.#scripts.get(keyOf(kind, id));
    this.#scripts.delete(keyOf(kind, id));
    if (known && this.#byName.get(known.name) === known) this.#byName.delete(known.name);
  }

  async #await(key: ScriptKey, deadline: Deadline): Promise<Script | undefined> {
    const until = Math.min(Date.now() + PUSH_MS, deadline.at);
    for (;;) {
      const known = this.#scripts.get(keyOf(key.kind, key.id));
      const left = until - Date.now();
      // A newer one than the router knows of yet is as good: it is what was stored last.
      if (known?.hash === key.hash || left <= 0) return known;
      await within(left, () => new Promise<void>((resolve) => this.#awaited.push(resolve))).catch(() => {});
    }
  }
}

const keyOf = (kind: Script_Kind, id: number): string => `${kind}/${id}`;

function rankOf(of: Pick<Lookup, never> & Partial<Lookup>, userId: number, roleId: number, appId: number): number {
  if (of.userId !== undefined) return of.userId === userId ? 3 : -1;
  if (of.roleId !== undefined) return of.roleId === roleId ? 2 : -1;
  if (of.appId !== undefined) return of.appId === appId ? 1 : -1;
  return 0;
}
