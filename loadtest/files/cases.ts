/** What the benchmark of files measures, in the order of the run. */
import type { ContestCase } from '../contest.ts';
import { DOWNLOAD } from './download.ts';
import { LISTING, ZIP } from './folders.ts';
import { HOT } from './hot.ts';
import { SLOW } from './slow.ts';
import { UPLOAD, UPLOAD_S3 } from './upload.ts';

export const FILE_CASES: readonly ContestCase[] = [HOT, DOWNLOAD, UPLOAD, UPLOAD_S3, LISTING, ZIP, SLOW];
