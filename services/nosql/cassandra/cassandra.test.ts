/** The suite of all engines on Apache Cassandra. */
import { afterAll, describe } from 'vitest';
import { whyNot } from '../../../deploy/testing/available.ts';
import { type RunningCassandra, startCassandra } from '../../../deploy/testing/cassandra.ts';
import { freshKeyspace } from '../../../deploy/testing/cassandra-keyspace.ts';
import { columnsOf } from '../conformance/columns.ts';
import { tryEngine } from '../conformance/suite.ts';
import { engine } from './index.ts';

const reason = whyNot('cassandra');
const title = reason === undefined ? 'cassandra' : `cassandra: ${reason}`;
const columns = {
  id: 'text',
  ...columnsOf({ text: 'text', number: 'double', integer: 'int', boolean: 'boolean' }),
};

describe.skipIf(reason !== undefined)(title, () => {
  let server: RunningCassandra | undefined;
  afterAll(() => server?.stop());
  tryEngine({
    engine,
    config: async () => {
      server = await startCassandra();
      return { ...(await freshKeyspace(server)) };
    },
    key: { name: 'id', of: (place) => `number-${place}` },
    native: { columns, partition_key: ['id'] },
    isFlat: true,
    hasColumns: true,
    generates: false,
    indexes: 'plain',
  });
});
