/** CORS rules as records (system-api §5.12). */
import { ID, type Model, TRACE, TRACE_RELATIONS } from '../records/model.ts';
import { acceptVerbs, verbNames } from './rules.ts';

export const CORS: Model = {
  name: 'cors',
  table: 'cors_config',
  label: 'CORS',
  plural: 'CORS Entries',
  description: 'Which web pages may call this API.',
  key: 'id',
  columns: [
    ID,
    { name: 'path', kind: 'string', length: 255, required: true, unique: true },
    { name: 'origin', kind: 'text', required: true },
    { name: 'header', kind: 'text' },
    {
      name: 'method',
      kind: 'integer',
      default: 0,
      accept: acceptVerbs,
      show: (row) => verbNames(Number(row['method'])),
    },
    { name: 'max_age', kind: 'integer', default: 0 },
    { name: 'enabled', kind: 'boolean', default: 1 },
    ...TRACE,
    { name: 'description', kind: 'string', length: 255 },
    { name: 'exposed_header', kind: 'text' },
    { name: 'supports_credentials', kind: 'boolean', default: 0 },
  ],
  relations: TRACE_RELATIONS,
  scope: {},
  resource: true,
  publishes: ['corsRules'],
  rules: {},
};
