/** A very large file into a folder, and into a bucket, and the memory that it takes on its way. */
import { truncate, unlink, writeFile } from 'node:fs/promises';
import { startS3 } from '../../deploy/testing/s3.ts';
import { cpuSeconds } from '../access/cpu.ts';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import { peakOverBase } from '../database/memory.ts';
import type { RunScope } from '../process.ts';
import { upload } from './curl.ts';
import { API, BYTES_PER_MEGABYTE, type OurSide, startOurs, startTheirs } from './setup.ts';
import { sizeOf } from './sizes.ts';

const MEMORY_MAX = 60;

export const UPLOAD: ContestCase = {
  name: 'upload-local',
  needs: 'nginx-dav',
  figures: [
    {
      name: 'upload-local',
      title: 'PUT of 1 GB, local (A: nginx, WebDAV)',
      unit: 'MB/s',
      targets: [{ measure: 'C/A', atLeast: 0.4 }],
    },
    { name: 'upload-local-cpu', title: 'the same, for each CPU-second', unit: 'MB/CPU-s', targets: [] },
    {
      name: 'upload-local-memory',
      title: 'the same, peak memory over base',
      unit: 'MB',
      targets: [{ measure: 'C', atMost: MEMORY_MAX }],
    },
  ],
  prepare: prepareLocal,
};

export const UPLOAD_S3: ContestCase = {
  name: 'upload-s3',
  needs: 's3',
  figures: [
    { name: 'upload-s3', title: 'PUT of 1 GB into a bucket of a local S3 server', unit: 'MB/s', targets: [] },
    { name: 'upload-s3-cpu', title: 'the same, for each CPU-second', unit: 'MB/CPU-s', targets: [] },
    {
      name: 'upload-s3-memory',
      title: 'the same, peak memory over base',
      unit: 'MB',
      targets: [{ measure: 'C', atMost: MEMORY_MAX }],
    },
  ],
  prepare: prepareBucket,
};

/** Without blocks of its own on the disk: what is measured is the writing. */
async function source(scope: RunScope, options: ContestOptions): Promise<{ file: string; bytes: number }> {
  const file = `${scope.folder}/large.bin`;
  const bytes = sizeOf(options.sizes, 'upload-mb') * BYTES_PER_MEGABYTE;
  await writeFile(file, '');
  await truncate(file, bytes);
  return { file, bytes };
}

/** @param work  gives megabytes a second; @param pids  of those who take it */
async function rated(
  name: string,
  bytes: number,
  pids: readonly number[],
  work: () => Promise<number>,
): Promise<Sample> {
  const before = cpuSeconds(pids);
  const rate = await work();
  const spent = cpuSeconds(pids) - before;
  return { [name]: rate, [`${name}-cpu`]: bytes / BYTES_PER_MEGABYTE / spent };
}

function ours(scope: RunScope, millrace: OurSide, name: string, { file, bytes }: { file: string; bytes: number }) {
  return async () => {
    let sample: Sample = {};
    const pids = millrace.filePids();
    const memory = await peakOverBase(pids, async () => {
      sample = await rated(name, bytes, pids, () => upload(scope, millrace, `${API}/large.bin`, file, bytes));
    });
    return { ...sample, [`${name}-memory`]: memory };
  };
}

async function prepareLocal(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const nginx = await startTheirs(scope);
  const millrace = await startOurs(scope, options);
  const large = await source(scope, options);
  const measure = ours(scope, millrace, 'upload-local', large);
  return {
    server: nginx.title,
    millrace,
    warmUps: 1,
    sides: [
      {
        ...{ key: 'A', label: 'nginx' },
        measure: async () => {
          const put = () => upload(scope, nginx, '/put/large.bin', large.file, large.bytes);
          const sample = await rated('upload-local', large.bytes, nginx.pids(), put);
          await unlink(`${nginx.folder}/put/large.bin`);
          return sample;
        },
      },
      {
        ...{ key: 'C', label: 'Millrace' },
        measure: async () => {
          const sample = await measure();
          await unlink(`${millrace.folder}/large.bin`);
          return sample;
        },
      },
    ],
  };
}

async function prepareBucket(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const server = await startS3();
  scope.teardown.add(() => server.stop());
  const { endpoint, region, key, secret } = server;
  const config = { endpoint, region, key, secret, path_style: true, container: `bench-${Date.now()}` };
  const millrace = await startOurs(scope, options, { name: 'bench', type: 'aws_s3', config });
  const measure = ours(scope, millrace, 'upload-s3', await source(scope, options));
  return { server: server.label, millrace, warmUps: 1, sides: [{ key: 'C', label: 'Millrace', measure }] };
}
