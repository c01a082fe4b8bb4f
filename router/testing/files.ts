/** A file service behind the door: who may do what there, and what came of it. */
import { Family } from '#proto/files/v1/files_pb.ts';
import { type AccessInit, stateOf, tokenOf } from './access.ts';
import { BehindDoor, type Outcome } from './behind-door.ts';
import { FakeStore } from './file-store.ts';
import type { Answer, Sent } from './request.ts';

export const FILES = 9;
export const TOKEN = { 'x-dreamfactory-session-token': tokenOf() };
export const CALLER = { ...TOKEN, 'x-dreamfactory-api-key': 'key' };

/** A rule for the API on the file service: everything, unless told otherwise. */
export const fileRule = (component: string, verbMask = 31): AccessInit => ({
  ...{ serviceId: FILES, component, verbMask, requestorMask: 1, filterOp: 'AND' },
});

const TREE = {
  docs: undefined,
  'docs/a.txt': 'hello a',
  'docs/d.json': '{"a":1}',
  deep: undefined,
  'deep/er': undefined,
};

export class Served {
  readonly store: FakeStore;
  readonly #door: BehindDoor;

  constructor(rules: readonly AccessInit[] = [fileRule('*')], family: Family = Family.LOCAL, type = 'local_file') {
    this.store = new FakeStore(family, TREE);
    const state = stateOf({
      services: [{ id: FILES, name: 'files', type, isActive: true, tier: 'storage' }],
      roles: [{ id: 3, name: 'Clerk', isActive: true, access: [...rules] }],
      apps: [{ id: 4, name: 'shop', apiKey: 'key', isActive: true, roleId: 3 }],
      users: [{ id: 5, email: 'ann@a.example', username: 'ann', isActive: true }],
    });
    this.#door = new BehindDoor(state, { store: this.store.asStore });
  }

  /** @param target  behind the name of the service */
  send(method: string, target: string, sent: Omit<Sent, 'method' | 'target'> = {}): Promise<Outcome> {
    const headers = { ...CALLER, ...sent.headers };
    return this.#door.send({ ...sent, method, target: `/api/v2/files${target}`, headers });
  }

  /** Whoever has nothing but the address. @param target  from the root */
  open(target: string, method = 'GET'): Promise<Outcome> {
    return this.#door.send({ method, target, headers: {} });
  }
}

export const json = ({ body }: Answer): unknown => JSON.parse(body);
export const headerOf = ({ headers }: Answer, name: string): string | undefined =>
  headers.find(([each]) => each.toLowerCase() === name)?.[1];
export const messageOf = (answer: Answer): string => (json(answer) as { error: { message: string } }).error.message;
