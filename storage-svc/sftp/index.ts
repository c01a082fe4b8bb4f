/** A server that speaks SFTP: the service type `sftp_file`. */
import type { StorageBackend } from '../backend.ts';
import { configFields, readSftpConfig } from './config.ts';
import { translate } from './errors.ts';
import { openSftp } from './source.ts';

export const backend: StorageBackend = {
  name: 'sftp_file',
  label: 'SFTP File Storage',
  description: 'Files and folders of a server that is reached by SSH.',
  group: 'File',
  family: 'remote',
  configFields,
  translate,
  open: (config, { connectionsMax }) => openSftp(readSftpConfig(config), connectionsMax),
};
