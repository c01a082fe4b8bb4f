/** Follows the system service's pushed snapshot, and comes back by itself after a loss. */
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { AccessControl, type Update, type WatchRequest } from '#proto/access/v1/access_pb.ts';
import { Channel, type ChannelSettings } from './grpc/channel.ts';
import type { Logger } from './observe/log.ts';

/** A system service that comes back should be heard within a second. */
const RETRY_MS = 250;

export class Follower {
  readonly #channel: Channel<typeof AccessControl>;
  readonly #request: WatchRequest;
  readonly #onUpdate: (update: Update) => void;
  readonly #log: Logger;
  #call: ClientReadableStream<Update> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** undefined: not known yet. */
  #live: boolean | undefined;

  constructor(settings: ChannelSettings, request: WatchRequest, onUpdate: (update: Update) => void, log: Logger) {
    this.#channel = new Channel(AccessControl, settings);
    this.#request = request;
    this.#onUpdate = onUpdate;
    this.#log = log;
  }

  /** True while the system service is heard. */
  get live(): boolean {
    return this.#live === true;
  }

  /** Resolves with the first update. */
  start(): Promise<void> {
    return new Promise((resolve) => this.#follow(resolve));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#call?.cancel();
    this.#channel.close();
  }

  #follow(onFirst: () => void): void {
    const call = this.#channel.watch('watch', this.#request);
    this.#call = call;
    call.on('data', (update: Update) => {
      if (!this.#live) this.#log.info({ version: String(update.version) }, 'snapshot is live');
      this.#live = true;
      this.#onUpdate(update);
      onFirst();
    });
    const lost = (error?: ServiceError): void => {
      if (this.#call !== call || this.#closed) return;
      if (this.#live !== false) {
        const known = this.#live ? 'going on with the last snapshot' : 'trying again until it is';
        // Tiers start in any order: no stack for what is no fault.
        this.#log.warn({ reason: error?.details }, `system service is not heard; ${known}`);
      }
      this.#live = false;
      this.#call = undefined;
      this.#timer = setTimeout(() => this.#follow(onFirst), RETRY_MS);
    };
    call.on('error', lost);
    call.on('end', lost);
  }
}
