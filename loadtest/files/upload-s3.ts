/** A very large file into a bucket of an S3 server on this machine, and in how little memory. */
import { startS3 } from '../../deploy/testing/s3.ts';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import type { RunScope } from '../process.ts';
import { startMillrace } from '../sides/millrace.ts';
import { writeRandom } from './download.ts';
import { curlSpeed, MEGABYTE, memoryAdded, SERVICE } from './house.ts';
import { sizeOf } from './sizes.ts';

const FILE = 'sent.bin';

export const UPLOAD_S3: ContestCase = {
  name: 'upload-s3',
  needs: 's3',
  figures: [
    { name: 'upload-s3', title: 'upload of 1 GB to a bucket of this machine', unit: 'MB/s', targets: [] },
    {
      name: 'upload-s3-memory',
      title: 'memory that it adds to router and storage',
      unit: 'MB',
      targets: [{ measure: 'C', atMost: 60 }],
    },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const bytes = sizeOf(options, 'upload-mb') * MEGABYTE;
  const sent = `${scope.folder}/${FILE}`;
  await writeRandom(sent, bytes);
  const server = await startS3();
  scope.teardown.add(() => server.stop());
  const { endpoint, region, key, secret, label } = server;
  const config = { endpoint, region, key, secret, path_style: true, container: `bench-${process.pid}` };
  const millrace = await startMillrace(scope, {
    ...{ dist: options.dist, profileFolder: options.profile ? scope.folder : undefined, files: true },
    services: [{ name: SERVICE, type: 'aws_s3', config }],
    ...{ components: ['*'], firstPath: `/api/v2/${SERVICE}/` },
  });
  const url = `${millrace.origin}/api/v2/${SERVICE}/${FILE}`;
  const headers = { ...millrace.headers, 'Content-Type': 'application/octet-stream' };
  const measure = async (): Promise<Sample> => {
    let speed = 0;
    const added = await memoryAdded(millrace, async () => {
      speed = await curlSpeed(scope, url, headers, ['-X', 'PUT', '-T', sent], 'upload', bytes);
    });
    return { 'upload-s3': speed / MEGABYTE, 'upload-s3-memory': added };
  };
  return { server: label, millrace, warmUps: 1, sides: [{ key: 'C', label: 'Millrace', measure }] };
}
