/** The suite of all engines on Azurite, in one partition: no table of Azure has keys of one field. */
import { afterAll } from 'vitest';
import { type RunningAzurite, startAzurite } from '../../../deploy/testing/azurite.ts';
import { tryEngine } from '../conformance/suite.ts';
import { engine } from './index.ts';

let server: RunningAzurite | undefined;
afterAll(() => server?.stop());

tryEngine({
  engine,
  config: async () => {
    server = await startAzurite('table');
    return { account_name: server.account, account_key: server.key, endpoint: server.endpoint };
  },
  key: { name: 'RowKey', of: (place) => String(place) },
  composite: { others: { PartitionKey: 'p' }, written: (row) => `(p,${row})` },
  isFlat: true,
  added: 'Timestamp',
  generates: false,
  indexes: 'none',
});
