/** grpc.health.v1: what load balancers and our own routers ask before they send work. */
import { create } from '@bufbuild/protobuf';
import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import {
  Health,
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '#grpc/health/v1/health_pb.ts';
import type { ServedService } from './service.ts';

export class HealthService implements ServedService {
  readonly desc = Health;
  readonly #names: ReadonlySet<string>;
  readonly #watchers = new Set<ServerWritableStream<HealthCheckRequest, HealthCheckResponse>>();
  #serving = true;

  /** @param names  full names of the services behind the same port */
  constructor(names: readonly string[]) {
    this.#names = new Set(['', ...names]);
  }

  setServing(serving: boolean): void {
    this.#serving = serving;
    for (const watcher of this.#watchers) watcher.write(this.#answer(watcher.request.service));
  }

  /** Ends the watches: they would hold a graceful stop for ever. */
  endWatches(): void {
    for (const watcher of this.#watchers) watcher.end();
    this.#watchers.clear();
  }

  #answer(service: string): HealthCheckResponse {
    const known = this.#names.has(service);
    const serving = this.#serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    return create(HealthCheckResponseSchema, { status: known ? serving : ServingStatus.SERVICE_UNKNOWN });
  }

  readonly implementation = {
    check: (
      call: ServerUnaryCall<HealthCheckRequest, HealthCheckResponse>,
      callback: sendUnaryData<HealthCheckResponse>,
    ): void => {
      if (this.#names.has(call.request.service)) callback(null, this.#answer(call.request.service));
      else callback({ code: status.NOT_FOUND, details: 'No such service.' });
    },
    watch: (call: ServerWritableStream<HealthCheckRequest, HealthCheckResponse>): void => {
      this.#watchers.add(call);
      call.on('cancelled', () => this.#watchers.delete(call));
      call.write(this.#answer(call.request.service));
    },
  };
}
