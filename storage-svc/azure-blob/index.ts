/** Azure Blob Storage as a storage backend. */
import type { StorageBackend } from '../backend.ts';
import { ObjectSource } from '../object/object-source.ts';
import { configFields, readAzureBlobConfig } from './config.ts';
import { translate } from './errors.ts';
import { AzureBlobClient } from './source.ts';

export const backend: StorageBackend = {
  name: 'azure_blob',
  label: 'Azure Blob Storage',
  description: 'Files in a container of Azure Blob Storage.',
  group: 'File',
  family: 'object',
  configFields,
  translate,
  open: (config) => new ObjectSource({ client: new AzureBlobClient(readAzureBlobConfig(config)), translate }),
};
