/** Passes on what routers count, so that each knows about all; who comes later hears what counts by then. */
import { create } from '@bufbuild/protobuf';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { ServedService } from '#common/grpc/service.ts';
import { Counters } from '#common/limits/counters.ts';
import { fromWire, toWire } from '#common/limits/wire.ts';
import { type Counts, CountsSchema, LimitCounts } from '#proto/system/v1/system_pb.ts';

type Stream = ServerDuplexStream<Counts, Counts>;

export class LimitCountsHub {
  readonly #streams = new Set<Stream>();
  readonly #counters = new Counters();

  get service(): ServedService {
    return { desc: LimitCounts, implementation: { share: (stream: Stream) => this.#join(stream) } };
  }

  /** Streams never end by themselves. */
  close(): void {
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }

  #join(stream: Stream): void {
    this.#streams.add(stream);
    const leave = (): void => {
      this.#streams.delete(stream);
    };
    stream.on('cancelled', leave).on('close', leave).on('error', leave);
    stream.on('end', () => {
      leave();
      stream.end();
    });
    stream.on('data', (counts: Counts) => {
      this.#counters.merge(counts.counts.map(fromWire));
      for (const other of this.#streams) if (other !== stream) other.write(counts);
    });
    const counts = this.#counters.all().map(toWire);
    if (counts.length > 0) stream.write(create(CountsSchema, { counts }));
  }
}
