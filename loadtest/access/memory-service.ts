/** The service that answers from memory, as it is set up and asked. */
import { fileURLToPath } from 'node:url';
import type { MillraceOptions } from '../sides/millrace.ts';

export const MEMORY_TYPE = 'memory';

/** Of every answer. */
export const BODY =
  '{"id":1,"device_id":17,"name":"sensor-17","temperature":21.5,"measured_at":"2024-05-17T09:41:00.000Z"}';

export const MEMORY_PATH = '/api/v2/bench/_table/reading/1';

const CONNECTOR = fileURLToPath(new URL('./memory-connector.ts', import.meta.url));

/** Of `startMillrace`. */
export const MEMORY_SERVICE: Pick<MillraceOptions, 'connector' | 'services' | 'firstPath'> = {
  connector: ['--import', 'tsx', CONNECTOR],
  services: [{ name: 'bench', type: MEMORY_TYPE, config: {} }],
  firstPath: MEMORY_PATH,
};
