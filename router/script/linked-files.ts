/**
 * Scripts may be files of file services: where one of these is written to, the system service is told, which looks at its
 * scripts at once. It looks every few seconds by itself, so nothing depends on being told.
 */
import { create } from '@bufbuild/protobuf';
import type { Channel } from '#common/grpc/channel.ts';
import { LookRequestSchema, type ScriptFiles } from '#proto/system/v1/system_pb.ts';
import type { AccessState } from '../access/state.ts';

const LOOK_MS = 10_000;

type Scripts = Pick<AccessState, 'eventScripts' | 'services'>;
type System = Pick<Channel<typeof ScriptFiles>, 'call' | 'close'>;

export class LinkedFiles {
  readonly #state: Scripts;
  readonly #system: System;
  /** Services that are being looked at, and whether they were written to since. */
  readonly #looking = new Map<string, { isWritten: boolean }>();

  constructor(state: Scripts, system: System) {
    this.#state = state;
    this.#system = system;
  }

  close(): void {
    this.#system.close();
  }

  written(service: string): void {
    if (!this.#isLinked(service)) return;
    const looking = this.#looking.get(service);
    if (looking) looking.isWritten = true;
    else void this.#look(service);
  }

  #isLinked(service: string): boolean {
    const start = `${service}/`;
    const { eventScripts, services } = this.#state;
    for (const { script } of eventScripts.values()) if (script?.sourcePath.startsWith(start)) return true;
    for (const { script } of services.values()) if (script?.sourcePath.startsWith(start)) return true;
    return false;
  }

  /** One after the other, however much is written. */
  async #look(service: string): Promise<void> {
    const looking = { isWritten: true };
    this.#looking.set(service, looking);
    while (looking.isWritten) {
      looking.isWritten = false;
      await this.#system.call('look', create(LookRequestSchema, { service }), LOOK_MS).catch(() => {});
    }
    this.#looking.delete(service);
  }
}
