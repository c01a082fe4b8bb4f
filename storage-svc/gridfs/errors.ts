/** What MongoDB and its driver say, in our terms: one table by names and numbers. */

import { CONNECTION_LOST, UNREACHABLE } from '../failures.ts';
import {
  BUSY,
  NO_CREDENTIALS,
  NO_PERMISSION,
  NO_ROOM,
  OTHER_VERSION,
  type Rule,
  type Rules,
  SLOW,
  THERE,
  translator,
} from '../object/failures.ts';

const AWAY: Rule = ['unavailable', UNREACHABLE];
const LOST: Rule = ['unavailable', CONNECTION_LOST];
const NO_ADDRESS: Rule = ['unavailable', 'The address of the storage is not understood.'];

const RULES: Rules = {
  // Of the server.
  13: NO_PERMISSION,
  18: NO_CREDENTIALS,
  50: SLOW,
  91: BUSY,
  189: BUSY,
  10107: BUSY,
  11000: THERE,
  11600: BUSY,
  11602: BUSY,
  13435: BUSY,
  13436: BUSY,
  14031: NO_ROOM,
  // Of the driver.
  MongoServerSelectionError: AWAY,
  MongoNetworkError: LOST,
  MongoNetworkTimeoutError: SLOW,
  MongoOperationTimeoutError: SLOW,
  MongoPoolClearedError: LOST,
  MongoWaitQueueTimeoutError: BUSY,
  MongoParseError: NO_ADDRESS,
  MongoMissingCredentialsError: NO_CREDENTIALS,
  MongoExpiredSessionError: LOST,
  MongoClientClosedError: LOST,
  MongoTopologyClosedError: LOST,
  MongoNotConnectedError: LOST,
  // The content went while it was read.
  MongoGridFSChunkError: OTHER_VERSION,
};

interface MongoError {
  readonly name?: unknown;
  readonly code?: unknown;
}

export const translate = translator(RULES, (thrown) => {
  const { name, code } = thrown as MongoError;
  return [String(code), name];
});

/** Another one has inserted the same. */
export const isDuplicate = (thrown: unknown): boolean => (thrown as MongoError | undefined)?.code === 11_000;
