/** Amazon S3, and stores with the same interface, as a storage backend. */
import type { StorageBackend } from '../backend.ts';
import { ObjectSource } from '../object/object-source.ts';
import { configFields, readS3Config } from './config.ts';
import { translate } from './errors.ts';
import { S3Client } from './source.ts';

export const backend: StorageBackend = {
  name: 'aws_s3',
  label: 'AWS S3',
  description: 'Files in a bucket of Amazon S3, or of a store with the same interface.',
  group: 'File',
  family: 'object',
  configFields,
  translate,
  open: (config, { connectionsMax }) =>
    new ObjectSource({ client: new S3Client(readS3Config(config), connectionsMax), translate }),
};
