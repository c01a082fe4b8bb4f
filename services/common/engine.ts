/** What every engine is, whatever kind of source it connects to. */
import type { ConfigField } from './config/field.ts';

/** Settings of one service, as an administrator stored them, secrets in clear. */
export type ServiceConfig = Readonly<Record<string, unknown>>;

export interface Engine<S extends Source> {
  /** Folder, service type, docs page and test name: one word for all. */
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly group: string;
  readonly configFields: readonly ConfigField[];
  /** Opens lazily: returns at once, and each use may fail with `unavailable`. @throws MillraceError invalid */
  open(config: ServiceConfig, context: OpenContext): S;
}

export interface OpenContext {
  /** Where relative paths of embedded stores are resolved. */
  readonly dataDir: string;
  readonly serviceName: string;
  /** Connections that one service may hold open. */
  readonly connectionsMax: number;
}

export interface Source {
  close(): Promise<void>;
}
