import { randomUUID } from 'node:crypto';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { type RunningAzurite, startAzurite } from '../../deploy/testing/azurite.ts';
import { tryFaults } from '../object/faults.ts';
import { backend } from './index.ts';

const answer = (status: number, code: string, detail = '') => ({
  kind: 'answer' as const,
  status,
  headers: { 'content-type': 'application/xml', 'x-ms-error-code': code },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Not today.</Message>${detail}</Error>`,
});

let server: RunningAzurite;
const service = (): BlobServiceClient =>
  new BlobServiceClient(server.endpoint, new StorageSharedKeyCredential(server.account, server.key));

tryFaults({
  start: async () => {
    server = await startAzurite();
    return server.endpoint;
  },
  stop: () => server.stop(),
  open: (endpoint, changes) => {
    const config = { account_name: server.account, account_key: server.key, endpoint, container: randomUUID() };
    return backend.open({ ...config, ...changes }, { dataDir: '', serviceName: 'files', connectionsMax: 10 });
  },
  wrongSecret: { account_key: 'bm90IHRoZSBrZXk=' },
  // Azure says AuthenticationFailed; Azurite AuthorizationFailure, which there is about firewalls.
  refusal: 'The storage does not permit this.',
  removeContainer: async (address) => {
    await service()
      .getContainerClient(new URL(address).pathname.split('/').at(-1) as string)
      .delete();
  },
  isPart: ({ method, url }) => method === 'PUT' && (url ?? '').includes('comp=block&'),
  isLastStep: ({ method, url }) => method === 'PUT' && (url ?? '').includes('comp=blocklist'),
  busy: answer(503, 'ServerBusy'),
  skewed: answer(
    403,
    'AuthenticationFailed',
    '<AuthenticationErrorDetail>Request date header too old: yesterday</AuthenticationErrorDetail>',
  ),
  // Blocks that nobody has committed are in no list, and the store drops them by itself.
  requireNothingLeft: async () => {},
});
