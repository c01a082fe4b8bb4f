/** The lines to the script workers of each lane: over NATS where there is one, else streams to their sockets. */
import type { EnvReader } from '#common/config/env.ts';
import type { Logger } from '#common/observe/log.ts';
import { NatsLine } from '#common/scripts/nats-line.ts';
import { NatsLink } from '#common/scripts/nats-link.ts';
import { type NatsSettings, readNatsSettings } from '#common/scripts/nats-settings.ts';
import { StreamLine } from '#common/scripts/stream-line.ts';
import type { ScriptLines } from './runner.ts';

export interface ScriptSettings {
  readonly nats: NatsSettings | undefined;
  readonly quickAddresses: readonly string[];
  readonly patientAddresses: readonly string[];
  readonly standbyAddress: string | undefined;
}

export function readScriptSettings(reader: EnvReader): ScriptSettings {
  return {
    nats: readNatsSettings(reader),
    quickAddresses: reader.list('MILLRACE_SCRIPT_QUICK_ADDRESSES', []),
    patientAddresses: reader.list('MILLRACE_SCRIPT_PATIENT_ADDRESSES', []),
    standbyAddress: reader.optional('MILLRACE_SCRIPT_STANDBY_ADDRESS'),
  };
}

/** @returns no lines where this installation runs no scripts */
export function openLines(
  { nats, quickAddresses, patientAddresses, standbyAddress }: ScriptSettings,
  token: string | undefined,
  log: Logger,
): { readonly lines: ScriptLines | undefined; close(): Promise<void> } {
  if (nats) {
    const link = new NatsLink(nats, log);
    return {
      lines: { quick: new NatsLine(link, 'quick'), patient: new NatsLine(link, 'patient'), standby: undefined },
      close: () => link.close(),
    };
  }
  if (patientAddresses.length === 0) return { lines: undefined, close: async () => {} };
  const lineOf = (addresses: readonly string[]): StreamLine =>
    new StreamLine(addresses.map((address) => ({ address, token })));
  const patient = lineOf(patientAddresses);
  return {
    lines: {
      patient,
      quick: quickAddresses.length > 0 ? lineOf(quickAddresses) : patient,
      standby: standbyAddress === undefined ? undefined : lineOf([standbyAddress]),
    },
    close: async () => {},
  };
}
