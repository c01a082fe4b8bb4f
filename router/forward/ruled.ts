/** Operations with what the role says about the tables that they reach, which only the connector knows. */
import { RELATED_DEPTH_MAX } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import { wantedTables } from '#common/table-rules.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { Operation } from '#proto/data/v1/data_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { type Grant, grant } from '../decide/grant.ts';
import { ReachedTables } from '../decide/table-rules.ts';
import type { Parsed } from '../parse/records.ts';
import { toOperation } from './operation.ts';

/** A call on a service, parsed. */
export interface Ruled {
  readonly requestId: string;
  /** In upper case, after tunnelling. */
  readonly verb: string;
  readonly parsed: Parsed & { readonly table: string | undefined; readonly dataFrom?: number };
  readonly service: Service;
  readonly principal: Principal;
}

export class RuledCalls {
  readonly #state: AccessState;
  readonly #reached = new ReachedTables();

  constructor(state: AccessState) {
    this.#state = state;
  }

  /** @throws MillraceError denied */
  grant({ verb, parsed, service, principal }: Ruled): Grant {
    const reached = this.#reached.of(service, parsed.shape);
    return grant(parsed, verb, service, principal, this.#state, reached);
  }

  /** The connector may want rules for tables that the records lead to. It has done nothing then, and gets them. */
  async send<T>(call: Ruled, granted: Grant, send: (operation: Operation) => Promise<T>): Promise<T> {
    const { requestId, verb, parsed, service, principal } = call;
    let { shape, parameters, records } = granted;
    for (let level = 0; ; level++) {
      try {
        return await send(toOperation(requestId, { keys: parsed.keys, records }, { shape, parameters }, principal));
      } catch (error) {
        const wanted = wantedTables(error);
        if (!wanted) throw error;
        if (level === RELATED_DEPTH_MAX) throw invalid(`Related records are ${RELATED_DEPTH_MAX} levels deep at most.`);
        this.#reached.learn(service, parsed.shape, wanted);
        ({ shape, parameters, records } = grant(parsed, verb, service, principal, this.#state, wanted));
      }
    }
  }
}
