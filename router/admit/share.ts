/** Routers count together: what this one counted goes to the others by way of the system service, and theirs comes here. */
import { create } from '@bufbuild/protobuf';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { COUNTS_INTERVAL_MS } from '#common/bounds.ts';
import type { Channel } from '#common/grpc/channel.ts';
import type { Counters } from '#common/limits/counters.ts';
import { fromWire, toWire } from '#common/limits/wire.ts';
import { type Counts, CountsSchema, type LimitCounts } from '#proto/system/v1/system_pb.ts';

/** Without the others each goes on by itself. */
const RETRY_MS = 1000;

export class SharedCounts {
  readonly #channel: Channel<typeof LimitCounts>;
  readonly #counters: Counters;
  readonly #timer: NodeJS.Timeout;
  #stream: ClientDuplexStream<Counts, Counts> | undefined;
  #retryAt = 0;

  constructor(channel: Channel<typeof LimitCounts>, counters: Counters) {
    this.#channel = channel;
    this.#counters = counters;
    this.#timer = setInterval(() => this.#tell(), COUNTS_INTERVAL_MS).unref();
    this.#connect();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stream?.cancel();
    this.#channel.close();
  }

  #tell(): void {
    if (!this.#stream && Date.now() >= this.#retryAt) this.#connect();
    if (!this.#stream) return;
    const counts = this.#counters.takeNews();
    if (counts.length > 0) this.#stream.write(create(CountsSchema, { counts: counts.map(toWire) }));
  }

  #connect(): void {
    const stream = this.#channel.duplex('share');
    this.#stream = stream;
    const lost = (): void => {
      if (this.#stream !== stream) return;
      this.#stream = undefined;
      this.#retryAt = Date.now() + RETRY_MS;
    };
    stream.on('data', ({ counts }: Counts) => this.#counters.merge(counts.map(fromWire)));
    stream.on('error', lost);
    stream.on('end', lost);
  }
}
