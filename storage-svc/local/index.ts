/** A folder of this machine as a storage backend; also one that is mounted from elsewhere (NFS, SSHFS). */
import type { StorageBackend } from '../backend.ts';
import { configFields, readLocalConfig } from './config.ts';
import { translate } from './errors.ts';
import { LocalSource } from './source.ts';

export const backend: StorageBackend = {
  name: 'local_file',
  label: 'Local File Storage',
  description: 'Files and folders of a folder of this machine, or of one that is mounted from elsewhere.',
  group: 'File',
  family: 'local',
  configFields,
  translate,
  open: (config, { dataDir }) => new LocalSource(readLocalConfig(config, dataDir)),
};
