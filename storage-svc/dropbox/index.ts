/** A Dropbox: the service type `dropbox`. */
import type { StorageBackend } from '../backend.ts';
import { configFields, readDropboxConfig } from './config.ts';
import { translate } from './errors.ts';
import { DropboxSource } from './source.ts';

export const backend: StorageBackend = {
  name: 'dropbox',
  label: 'Dropbox File Storage',
  description: 'Files and folders of a Dropbox, or of the folder that an app has in it.',
  group: 'File',
  family: 'object',
  configFields,
  translate,
  open: (config, { connectionsMax }) => new DropboxSource(readDropboxConfig(config), connectionsMax),
};
