/** What only the tiers know: which resources a service has, how its tables are made, which document was stored for it. */
import { create } from '@bufbuild/protobuf';
import { DOCUMENT_PROBE_MS } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import { parseJson } from '#common/json.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import {
  DescribeTablesSchema,
  ListResourcesSchema,
  ReadSchema,
  type ResourceKind,
  Selection_Kind,
  SelectionSchema,
  type Shape,
  ShapeSchema,
  Target,
} from '#proto/data/v1/data_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { Forwarder } from '../forward/forward.ts';
import { toOperation } from '../forward/operation.ts';
import type { Json } from './document.ts';

const NOTHING = { keys: [], records: new Uint8Array() };
const DOC = 'service_doc_by_service_id';

/** For one document: whose it is, and how much time there is to make it. */
export class Catalogue {
  readonly #forwarder: Forwarder;
  readonly #requestId: string;
  readonly #principal: Principal;
  readonly #deadline: Deadline;
  readonly #refresh: boolean;

  constructor(
    forwarder: Forwarder,
    call: { requestId: string; principal: Principal; deadline: Deadline; refresh: boolean },
  ) {
    this.#forwarder = forwarder;
    this.#requestId = call.requestId;
    this.#principal = call.principal;
    this.#deadline = call.deadline;
    this.#refresh = call.refresh;
  }

  /** With all their properties. Nothing of it is decided: what the caller may see is left to whoever asks. */
  async resources(service: Service, kind: ResourceKind): Promise<Json[]> {
    const value = create(ListResourcesSchema, { kind, refresh: this.#refresh });
    return this.#list(service, { case: 'listResources', value });
  }

  /** The same for what a document can do without, where it does not come soon. */
  probe(service: Service, kind: ResourceKind): Promise<Json[]> {
    const value = create(ListResourcesSchema, { kind });
    const soon = new Deadline(Math.min(this.#deadline.at, Date.now() + DOCUMENT_PROBE_MS));
    return this.#list(service, { case: 'listResources', value }, soon);
  }

  /** Full descriptions. No names, and the system service: all of them. */
  async tables(service: Service, names: readonly string[]): Promise<Json[]> {
    const value = create(DescribeTablesSchema, { tables: [...names], target: Target.KEYS });
    return this.#list(service, { case: 'describeTables', value });
  }

  /**
   * Documents that somebody stored for services (system-api §5.3), as JSON or YAML, by the id of the service.
   * @param system  the service that keeps them
   */
  async storedDocs(system: Service): Promise<ReadonlyMap<number, string>> {
    const selection = create(SelectionSchema, { kind: Selection_Kind.KEY });
    const related = [
      {
        name: DOC,
        selection: create(SelectionSchema, { kind: Selection_Kind.LISTED, names: ['content'] }),
      },
    ];
    const value = create(ReadSchema, { table: 'service', target: Target.FILTER, selection, related });
    const records = await this.#list(system, { case: 'read', value });
    return new Map(
      records.flatMap((record) => {
        const doc = record[DOC] as Json | null | undefined;
        const content = doc?.['content'];
        if (typeof content !== 'string' || content.trim() === '') return [];
        return [[Number(record['id']), content] as const];
      }),
    );
  }

  async #list(service: Service, action: Shape['action'], deadline = this.#deadline): Promise<Json[]> {
    const shape = create(ShapeSchema, { service: service.name.toLowerCase(), action });
    const operation = toOperation(this.#requestId, NOTHING, { shape, parameters: [] }, this.#principal);
    const { result, chunks } = await this.#forwarder.send(service.tier, operation, deadline, true);
    const parts: Uint8Array[] = [];
    if (chunks) for await (const chunk of chunks) parts.push(chunk);
    const value = parseJson(chunks ? Buffer.concat(parts) : result.json);
    return Array.isArray(value) ? (value as Json[]) : [];
  }
}
