/** Keeps the access state current, and saved: a restart without the system service goes on with what was known. */
import { create } from '@bufbuild/protobuf';
import { Follower } from '#common/follow.ts';
import type { ChannelSettings } from '#common/grpc/channel.ts';
import { within } from '#common/in-time.ts';
import type { Logger } from '#common/observe/log.ts';
import { Scope, WatchRequestSchema } from '#proto/access/v1/access_pb.ts';
import type { SavedSnapshot } from './saved.ts';
import type { AccessState } from './state.ts';

/** Where all tiers start at once the system service is there a moment later; if it is away, nobody waits for long. */
const FIRST_PUSH_MS = 1_000;

export class AccessWatch {
  readonly #state: AccessState;
  readonly #saved: SavedSnapshot;
  readonly #follower: Follower;

  constructor(state: AccessState, saved: SavedSnapshot, settings: ChannelSettings, log: Logger) {
    this.#state = state;
    this.#saved = saved;
    const request = create(WatchRequestSchema, { scope: Scope.ROUTER, tier: 'router' });
    this.#follower = new Follower(
      settings,
      request,
      (update) => {
        state.apply(update);
        saved.save(() => state.toUpdate());
      },
      log,
    );
  }

  /** False: decisions are made from what was known last. */
  get live(): boolean {
    return this.#follower.live;
  }

  /**
   * Resolves when there is something to decide by: what the system service pushes, which may know what happened since
   * the snapshot was saved; where it is not heard, the saved snapshot; without one, whatever is pushed first.
   */
  async start(): Promise<void> {
    const saved = await this.#saved.load();
    const pushed = this.#follower.start();
    if (!saved) return pushed;
    await within(FIRST_PUSH_MS, () => pushed).catch(() => {});
    if (this.#state.version === 0n) this.#state.apply(saved);
  }

  async close(): Promise<void> {
    this.#follower.close();
    await this.#saved.settled();
  }
}
