/** Settings that a service of any store has, behind those of its connection. */
import { SCAN_DOCUMENTS_DEFAULT } from '#common/bounds.ts';
import type { ConfigField } from '#common/config/field.ts';
import { RECORD_FIELDS } from '#common/config/record-fields.ts';
import { integer } from '#common/config/settings.ts';
import type { ServiceConfig } from '#common/engine.ts';

export const STORE_FIELDS: readonly ConfigField[] = [
  ...RECORD_FIELDS,
  {
    name: 'max_scanned',
    label: 'Maximum Scanned Documents',
    type: 'integer',
    description:
      'Most documents that one request may read where the store cannot do all of its filter, order or group itself.',
    default: SCAN_DOCUMENTS_DEFAULT,
    allow_null: false,
  },
];

/** @throws MillraceError invalid */
export const scannedMaxOf = (config: ServiceConfig): number =>
  integer(config, 'max_scanned', 1, SCAN_DOCUMENTS_DEFAULT);
