/** What the benchmark of files measures, in the order of the run. */
import type { ContestCase } from '../contest.ts';
import { DOWNLOAD } from './download.ts';
import { HOT } from './hot.ts';
import { LISTING } from './listing.ts';
import { SLOW } from './slow.ts';
import { UPLOAD } from './upload.ts';
import { UPLOAD_S3 } from './upload-s3.ts';
import { ZIP } from './zip.ts';

export const FILE_CASES: readonly ContestCase[] = [DOWNLOAD, HOT, UPLOAD, UPLOAD_S3, LISTING, ZIP, SLOW];
