/**
 * Relations that lead to other services: the connector marks where records belong, their services are asked for all of
 * them at once, under the same role, and the marks are replaced by what came.
 */

import { create } from '@bufbuild/protobuf';
import { RELATED_DEPTH_MAX } from '#common/bounds.ts';
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import {
  type Foreign,
  type ForeignTable,
  Selection_Kind as Kind,
  type Related,
  RelatedSchema,
} from '#proto/data/v1/data_pb.ts';
import type { AccessState } from '../access/state.ts';
import { requireAccess } from '../decide/access.ts';
import type { Forwarded, Forwarder } from '../forward/forward.ts';
import type { Ruled, RuledCalls } from '../forward/ruled.ts';
import { tableComponent } from '../parse/route.ts';
import { addGroups, canonical, farRead, type Groups, pairsOf, VALUES_MAX } from './read.ts';

const MARK = 0x01;
const NULL = Buffer.from('null');
const EMPTY_LIST = Buffer.from('[]');
const ZERO = Buffer.from('0');

/** What stands at each of a Foreign's values. */
type Pieces = readonly Uint8Array[];

export class ForeignRecords {
  readonly #state: AccessState;
  readonly #forwarder: Forwarder;
  readonly #ruled: RuledCalls;

  constructor(state: AccessState, forwarder: Forwarder, ruled: RuledCalls) {
    this.#state = state;
    this.#forwarder = forwarder;
    this.#ruled = ruled;
  }

  /**
   * @param call  whose answer this is
   * @throws MillraceError denied where the caller may not read what he named, whatever the other services say
   */
  async merge(forwarded: Forwarded, call: Ruled, deadline: Deadline, depth = 0): Promise<Forwarded> {
    const { result } = forwarded;
    if (result.foreign.length === 0) return forwarded;
    if (depth === RELATED_DEPTH_MAX) throw invalid(`Related records are ${RELATED_DEPTH_MAX} levels deep at most.`);
    const json = forwarded.chunks ? await gather(forwarded.chunks) : result.json;
    const pieces = await Promise.all(result.foreign.map((one) => this.#pieces(one, call, deadline, depth)));
    return { result: { ...result, json: replaced(json, pieces), foreign: [] }, chunks: undefined };
  }

  async #pieces(foreign: Foreign, call: Ruled, deadline: Deadline, depth: number): Promise<Pieces> {
    const { related = create(RelatedSchema), single, nullable, values } = foreign;
    const absent = related.countOnly ? ZERO : nullable ? NULL : EMPTY_LIST;
    let groups: Groups;
    try {
      groups = await this.#groups(foreign, related, call, deadline, depth);
    } catch (error) {
      // Of all relations those are left out that the caller may not follow.
      if (foreign.named || !/^(?:denied|unauthenticated)$/.test(MillraceError.from(error).code)) throw error;
      return values.map(() => absent);
    }
    return values.map((value) => {
      const group = groups.get(canonical(value));
      if (!group) return absent;
      return single || related.countOnly ? (group[0] as Uint8Array) : listOf(group);
    });
  }

  async #groups(
    { far, junction, values }: Foreign,
    related: Related,
    call: Ruled,
    deadline: Deadline,
    depth: number,
  ): Promise<Groups> {
    if (!far) throw invalid('A relation to another service is not known to this version.');
    if (!junction) return this.#far(far, related, values, call, deadline, depth);
    const between = create(RelatedSchema, { selection: { kind: Kind.LISTED, names: [junction.field, junction.link] } });
    const answers = await this.#ask(junction, between, values, call, deadline, depth);
    const pairs = answers.flatMap((json) => pairsOf(json, junction));
    if (related.countOnly) return counted(pairs);
    const found = await this.#far(far, related, [...new Set(pairs.map(([, one]) => one))], call, deadline, depth);
    const groups: Groups = new Map();
    for (const [near, one] of pairs) {
      const group = groups.get(near) ?? [];
      group.push(...(found.get(one) ?? []));
      if (group.length > 0) groups.set(near, group);
    }
    return groups;
  }

  async #far(
    far: ForeignTable,
    related: Related,
    values: readonly string[],
    call: Ruled,
    deadline: Deadline,
    depth: number,
  ): Promise<Groups> {
    const groups: Groups = new Map();
    for (const json of await this.#ask(far, related, values, call, deadline, depth))
      addGroups(groups, json, far, related);
    return groups;
  }

  /** All that belongs to the values, in one turn. */
  #ask(
    table: ForeignTable,
    related: Related,
    values: readonly string[],
    { requestId, principal, parsed: { parameters } }: Ruled,
    deadline: Deadline,
    depth: number,
  ): Promise<Uint8Array[]> {
    const service = this.#service(table);
    requireAccess(principal, service, service.name, tableComponent(table.table), 'GET');
    const parts = Array.from({ length: Math.ceil(values.length / VALUES_MAX) }, (_, i) =>
      values.slice(i * VALUES_MAX, (i + 1) * VALUES_MAX),
    );
    return Promise.all(
      parts.map(async (part) => {
        const parsed = farRead(service.name, table, related, parameters, part);
        const call = { requestId, verb: 'GET', parsed, service, principal };
        const answer = await this.#ruled.send(call, this.#ruled.grant(call), (operation) =>
          this.#forwarder.send(service.tier, operation, deadline, true),
        );
        const { result, chunks } = await this.merge(answer, call, deadline, depth + 1);
        return chunks ? gather(chunks) : result.json;
      }),
    );
  }

  #service({ serviceId, table }: ForeignTable): Service {
    for (const service of this.#state.servicesByName.values()) {
      if (service.id === serviceId && service.isActive) return service;
    }
    throw invalid(`A relation leads to '${table}' of a service that is not there, or not active.`);
  }
}

function counted(pairs: readonly (readonly [near: string, far: string])[]): Groups {
  const counts = new Map<string, number>();
  for (const [near] of pairs) counts.set(near, (counts.get(near) ?? 0) + 1);
  return new Map([...counts].map(([near, count]) => [near, [Buffer.from(String(count))]]));
}

function listOf(group: readonly Uint8Array[]): Uint8Array {
  const parts = group.flatMap((piece, i) => (i === 0 ? [piece] : [Buffer.from(','), piece]));
  return Buffer.concat([Buffer.from('['), ...parts, Buffer.from(']')]);
}

/** @param pieces  by the index of the Foreign, then by that of its value */
function replaced(json: Uint8Array, pieces: readonly Pieces[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let start = 0;
  for (let open = json.indexOf(MARK); open >= 0; open = json.indexOf(MARK, start)) {
    const close = json.indexOf(MARK, open + 1);
    const [foreign = 0, value = 0] = Buffer.from(json.subarray(open + 1, close))
      .toString('latin1')
      .split(':')
      .map(Number);
    parts.push(json.subarray(start, open), pieces[foreign]?.[value] ?? NULL);
    start = close + 1;
  }
  return Buffer.concat([...parts, json.subarray(start)]);
}

async function gather(chunks: AsyncGenerator<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
