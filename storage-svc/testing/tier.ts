/** The tier's service on a free port, with a service of the local backend and one in memory, and a client of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import pino from 'pino';
import { MIB } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import { FileStoreClient } from '#common/files/client.ts';
import { ContentLine } from '#common/files/content-line.ts';
import { startGrpcServer } from '#common/grpc/server.ts';
import { UpdateSchema } from '#proto/access/v1/access_pb.ts';
import { BACKENDS } from '../backends.ts';
import type { FileSettings } from '../config.ts';
import { StorageConnector } from '../connector.ts';
import { fileStore } from '../file-store.ts';
import { MemorySource, memoryBackend } from './memory.ts';

export const SERVICES = ['disk', 'memory'] as const;

/** Whoever asks this machine for something in a test is on it. */
const SETTINGS: FileSettings = {
  unpackBytesMax: 64 * MIB,
  outbound: { hosts: ['127.0.0.1'], bytesMax: 64 * MIB, timeoutMs: 5000 },
  uploadLifetimeMs: 3_600_000,
};

export interface Tier {
  readonly client: FileStoreClient;
  readonly connector: StorageConnector;
  readonly address: string;
  /** The folder of the service `disk`. */
  readonly root: string;
  /** What the service `memory` has. */
  readonly memory: MemorySource;
  push(update: MessageInitShape<typeof UpdateSchema>): void;
  close(): Promise<void>;
}

/** @param hasLine  large contents may travel beside the calls */
export async function startTier(hasLine = false): Promise<Tier> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-tier-'));
  const memory = new MemorySource();
  const log = pino({ level: 'silent' });
  const backends = { ...BACKENDS, memory: async () => ({ backend: memoryBackend(() => memory) }) };
  const connector = new StorageConnector({ dataDir, connectionsMax: 4, log, backends });
  const line = hasLine ? await ContentLine.open(`unix:${join(dataDir, 'content')}`) : undefined;
  const server = await startGrpcServer({
    name: 'storage',
    address: '127.0.0.1:0',
    token: 'token',
    services: [fileStore(connector, SETTINGS, log, line)],
  });
  const client = new FileStoreClient([{ address: server.address, token: 'token', peer: 'storage' }]);
  let version = 0n;
  const push = (update: MessageInitShape<typeof UpdateSchema>): void =>
    connector.apply(create(UpdateSchema, { ...update, version: ++version }));
  push({
    full: true,
    services: [
      { id: 1, name: 'disk', type: 'local_file', configJson: Buffer.from('{"container":"disk"}') },
      { id: 2, name: 'memory', type: 'memory', configJson: Buffer.from('{}') },
      { id: 3, name: 'db', type: 'sqlite', configJson: Buffer.from('{}') },
    ],
  });
  return {
    client,
    connector,
    address: server.address,
    root: join(dataDir, 'storage', 'disk'),
    memory,
    push,
    close: async () => {
      client.close();
      await server.close();
      await line?.close();
      await connector.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export const soon = (): Deadline => Deadline.after(20_000);

export async function* bodyOf(...pieces: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}
