/** A server that speaks FTP, with TLS or without: the service type `ftp_file`. */
import type { StorageBackend } from '../backend.ts';
import { configFields, readFtpConfig } from './config.ts';
import { translate } from './errors.ts';
import { openFtp } from './source.ts';

export const backend: StorageBackend = {
  name: 'ftp_file',
  label: 'FTP File Storage',
  description: 'Files and folders of a server that is reached by FTP.',
  group: 'File',
  family: 'remote',
  configFields,
  translate,
  open: (config, { connectionsMax }) => openFtp(readFtpConfig(config), connectionsMax),
};
