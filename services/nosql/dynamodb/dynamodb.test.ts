/** The suite of all engines on DynamoDB Local. */
import { afterAll, describe } from 'vitest';
import { whyNot } from '../../../deploy/testing/available.ts';
import { type RunningDynamodb, startDynamodb } from '../../../deploy/testing/dynamodb.ts';
import { tryEngine } from '../conformance/suite.ts';
import { engine } from './index.ts';

const reason = whyNot('dynamodb');
const title = reason === undefined ? 'aws_dynamodb' : `aws_dynamodb: ${reason}`;

describe.skipIf(reason !== undefined)(title, () => {
  let server: RunningDynamodb | undefined;
  afterAll(() => server?.stop());
  tryEngine({
    engine,
    config: async () => {
      server = await startDynamodb();
      const { region, key, secret, endpoint } = server;
      return { region, key, secret, endpoint };
    },
    key: { name: 'id', of: (place) => `number-${place}` },
    generates: false,
    indexes: 'plain',
  });
});
