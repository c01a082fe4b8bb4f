/** Settings that a service has whose records are read and written, whatever it keeps them in. */
import type { ConfigField } from './field.ts';

/** Records in one answer, where the service does not say. */
export const MAX_RECORDS = 1000;

/** Behind all others; names and order as clients know them (system-api §5.16). */
export const RECORD_FIELDS: readonly ConfigField[] = [
  {
    name: 'allow_upsert',
    label: 'Allow Upsert',
    type: 'boolean',
    description: 'PUT and PATCH by identifier create the record where it does not exist.',
    default: false,
    allow_null: false,
  },
  {
    name: 'max_records',
    label: 'Maximum Records',
    type: 'integer',
    description: 'Most records that one answer holds; at least 1.',
    default: MAX_RECORDS,
    allow_null: false,
  },
  {
    name: 'cache_enabled',
    label: 'Data Retrieval Caching Enabled',
    type: 'boolean',
    description: 'Keeps answers of GET requests without a body for a while.',
    default: false,
    required: false,
    allow_null: false,
  },
  {
    name: 'cache_ttl',
    label: 'Cache Time To Live (seconds)',
    type: 'integer',
    description: 'How long such an answer is kept.',
    default: 0,
    required: false,
    allow_null: false,
  },
];
