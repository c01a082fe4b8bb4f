import { expect, test } from 'vitest';
import { type Field, fieldSchema, fieldSchemas } from './schema-types.ts';

const CASES: [field: Partial<Field>, schema: object][] = [
  [
    { type: 'id', auto_increment: true },
    { type: 'integer', format: 'int32', readOnly: true },
  ],
  [
    { type: 'reference', allow_null: true },
    { type: ['integer', 'null'], format: 'int32' },
  ],
  [{ type: 'bigint' }, { type: 'integer', format: 'int64' }],
  [{ type: 'boolean' }, { type: 'boolean' }],
  [{ type: 'double' }, { type: 'number', format: 'double' }],
  [{ type: 'decimal', length: 12 }, { type: 'number' }],
  [{ type: 'money' }, { type: 'string' }],
  [
    { type: 'string', length: 40 },
    { type: 'string', maxLength: 40 },
  ],
  [
    { type: 'text', description: 'Words.', label: 'Text' },
    { type: 'string', description: 'Words.' },
  ],
  [
    { type: 'date', length: 10 },
    { type: 'string', format: 'date' },
  ],
  [{ type: 'time' }, { type: 'string' }],
  [{ type: 'timestamp_on_create' }, { type: 'string', format: 'date-time' }],
  [{ type: 'binary' }, { type: 'string', format: 'byte' }],
  [{ type: 'uuid' }, { type: 'string', format: 'uuid' }],
  [{ type: 'json', allow_null: true }, {}],
  [{ type: 'of another store' }, { type: 'string' }],
  [
    { type: 'string', access: 'write_only' },
    { type: 'string', writeOnly: true },
  ],
  [
    { type: 'integer', is_aggregate: true },
    { type: 'integer', format: 'int32', readOnly: true },
  ],
];
test.each(CASES)('%j', (field, schema) => {
  expect(fieldSchema({ name: 'a', type: '', ...field })).toEqual(schema);
});

test('a field has its name in records', () => {
  const fields = [
    { name: 'a', alias: null, type: 'string' },
    { name: 'b', alias: 'other', type: 'string' },
  ];
  expect(Object.keys(fieldSchemas(fields))).toEqual(['a', 'other']);
});
