/** Services that a script answers (files-and-scripting-api §3.9). */
import type { ConfigField } from '#common/config/field.ts';
import type { KnownType } from '../service-types/registry.ts';

const FIELDS: readonly ConfigField[] = [
  { name: 'content', label: 'Content', type: 'text', description: 'The script.', default: null, allow_null: true },
  {
    name: 'config',
    label: 'Additional Configuration',
    type: 'object',
    description: 'Settings of the script, such as its caps.',
    default: null,
    allow_null: true,
    object: { key: { label: 'Name', type: 'string' }, value: { label: 'Value', type: 'string' } },
  },
  {
    name: 'queued',
    label: 'Queued',
    type: 'boolean',
    description: 'Calls are answered at once with 202, and the script runs later.',
    default: false,
  },
  {
    name: 'storage_service_id',
    label: 'Linked Service',
    type: 'integer',
    description: 'Service that holds the script as a file.',
    default: null,
    allow_null: true,
  },
  ...(
    [
      ['storage_path', 'Script Path', 'Where in the linked service the script is.'],
      ['scm_repository', 'SCM Repository', 'Repository of a source control service.'],
      ['scm_reference', 'SCM Reference', 'Branch, tag or commit in it.'],
    ] as const
  ).map(([name, label, description]): ConfigField => {
    return { name, label, type: 'string', description, default: null, allow_null: true };
  }),
  {
    name: 'implements_access_list',
    label: 'Implements Access List',
    type: 'boolean',
    description: 'The script itself answers which components a rule of a role may name (as_access_list).',
    default: false,
  },
  {
    name: 'cache_enabled',
    label: 'Data Retrieval Caching Enabled',
    type: 'boolean',
    description: 'Answers to GET are kept, for each caller.',
    default: false,
  },
  {
    name: 'cache_ttl',
    label: 'Cache Time To Live (seconds)',
    type: 'integer',
    description: 'How long they are kept; 0: not at all.',
    default: 0,
  },
];

const scriptType = (name: string, label: string, description: string): KnownType => ({
  ...{ name, label, description },
  group: 'Script',
  singleton: false,
  tier: 'scripting',
  configFields: FIELDS,
});

export const SCRIPT_SERVICE_TYPES: readonly KnownType[] = [
  scriptType('nodejs', 'Node.js', 'Service that answers by a script, with callbacks and promises.'),
  scriptType('v8js', 'V8js', 'Service that answers by a script; calls of the API give their answer at once.'),
];
