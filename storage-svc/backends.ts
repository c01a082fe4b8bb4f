/** The backends by service type. A driver is loaded when a service first uses it. */
import type { StorageBackend } from './backend.ts';

export const BACKENDS: Readonly<Record<string, () => Promise<{ backend: StorageBackend }>>> = {
  local_file: () => import('./local/index.ts'),
  azure_blob: () => import('./azure-blob/index.ts'),
  aws_s3: () => import('./s3/index.ts'),
  dropbox: () => import('./dropbox/index.ts'),
  ftp_file: () => import('./ftp/index.ts'),
  gridfs: () => import('./gridfs/index.ts'),
  sftp_file: () => import('./sftp/index.ts'),
  webdav_file: () => import('./webdav/index.ts'),
};
