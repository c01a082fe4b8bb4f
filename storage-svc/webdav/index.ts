/** A server that speaks WebDAV: the service type `webdav_file`. */
import type { StorageBackend } from '../backend.ts';
import { configFields, readWebdavConfig } from './config.ts';
import { translate } from './errors.ts';
import { openWebdav } from './source.ts';

export const backend: StorageBackend = {
  name: 'webdav_file',
  label: 'WebDAV File Storage',
  description: 'Files and folders of a server that is reached by WebDAV.',
  group: 'File',
  family: 'remote',
  configFields,
  translate,
  open: (config, { connectionsMax }) => openWebdav(readWebdavConfig(config), connectionsMax),
};
