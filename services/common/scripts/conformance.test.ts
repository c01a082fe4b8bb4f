import { afterAll, beforeAll, describe } from 'vitest';
import { type RunningNats, startNats } from '../../../deploy/testing/nats.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { transportConforms } from './conformance/suite.ts';
import { natsTransport, streamTransport } from './conformance/transport.ts';

describe('runs over streams', () => transportConforms(streamTransport));

suiteWith('nats', 'runs over NATS', () => {
  let server: RunningNats;
  beforeAll(async () => {
    server = await startNats();
  });
  afterAll(() => server.stop());

  transportConforms(() => natsTransport(server.url));
});
