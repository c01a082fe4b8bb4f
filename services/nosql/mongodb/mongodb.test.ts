/** The suite of all engines on MongoDB, or an emulator of it. */
import { afterAll, describe } from 'vitest';
import { whyNot } from '../../../deploy/testing/available.ts';
import { type RunningMongo, startMongo } from '../../../deploy/testing/mongodb.ts';
import { tryEngine } from '../conformance/suite.ts';
import { engine } from './index.ts';

const reason = whyNot('mongodb');
const title = reason === undefined ? 'mongodb' : `mongodb: ${reason}`;

describe.skipIf(reason !== undefined)(title, () => {
  let server: RunningMongo | undefined;
  afterAll(() => server?.stop());
  tryEngine({
    engine,
    config: async () => {
      server = await startMongo();
      return { dsn: server.url, database: server.newDatabase() };
    },
    key: { name: '_id', of: (place) => place },
    generates: true,
    indexes: 'plain and unique',
  });
});
