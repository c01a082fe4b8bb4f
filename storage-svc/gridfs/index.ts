/** GridFS of MongoDB as a storage backend. */
import type { StorageBackend } from '../backend.ts';
import { ObjectSource } from '../object/object-source.ts';
import { configFields, readGridfsConfig } from './config.ts';
import { translate } from './errors.ts';
import { GridfsClient } from './source.ts';

export const backend: StorageBackend = {
  name: 'gridfs',
  label: 'GridFS',
  description: 'Files in a GridFS bucket of MongoDB.',
  group: 'File',
  family: 'object',
  configFields,
  translate,
  open: (config, { connectionsMax }) => {
    const settings = readGridfsConfig(config);
    return new ObjectSource({ client: new GridfsClient(settings, connectionsMax), translate });
  },
};
