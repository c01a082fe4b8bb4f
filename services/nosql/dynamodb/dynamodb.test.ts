/** The suite of all engines on DynamoDB Local, or on what MILLRACE_TEST_DYNAMODB_URL names. */
import { afterAll } from 'vitest';
import { type RunningDynamodb, startDynamodb } from '../../../deploy/testing/dynamodb.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { tryEngine } from '../conformance/suite.ts';
import { engine } from './index.ts';

suiteWith('dynamodb', 'DynamoDB', () => {
  let server: RunningDynamodb | undefined;
  afterAll(() => server?.stop());
  tryEngine({
    engine,
    config: async () => {
      server = await startDynamodb();
      const { endpoint, region, key, secret } = server;
      return { endpoint, region, key, secret };
    },
    key: { name: 'id', of: (place) => String(place) },
    generates: false,
  });
});
