/** Settings that a service of any storage has (files-and-scripting-api §1.12); a backend puts its own before them. */
import type { ConfigField } from '#common/config/field.ts';

/** @param description  what a container is for this kind of storage */
export const containerFields = (description: string): ConfigField[] => [
  {
    name: 'public_path',
    label: 'Public Path',
    type: 'array',
    description:
      'Folders and files that everyone may read without a key, without a slash at the end; / stands for the files directly in the root.',
    default: null,
    required: false,
    allow_null: true,
    items: 'string',
  },
  {
    name: 'index_file',
    label: 'Index File',
    type: 'string',
    description: 'The file that is sent in the place of its folder, where it is public.',
    default: 'index.html',
  },
  {
    name: 'spa_path',
    label: 'Single-Page Applications',
    type: 'array',
    description:
      'Folders of applications that have addresses of their own: a page that is no file in one of them is its index file. Nothing: every public folder, and those of the apps that are stored here. An empty list: none.',
    default: null,
    required: false,
    allow_null: true,
    items: 'string',
  },
  {
    name: 'cache_seconds',
    label: 'Cache Seconds',
    type: 'integer',
    description:
      'How long browsers keep public files without asking whether they are current. Pages are always asked for.',
    default: 0,
  },
  {
    name: 'immutable_assets',
    label: 'Immutable Assets',
    type: 'boolean',
    description: 'Browsers keep public files whose names hold a hash of their content for a year.',
    default: true,
  },
  {
    name: 'public_headers',
    label: 'Headers of Public Files',
    type: 'object',
    description:
      'Headers that public files are sent with, over those that they have anyway. An empty value takes one away.',
    default: null,
    object: { key: { label: 'Header', type: 'string' }, value: { label: 'Value', type: 'string' } },
  },
  { name: 'container', label: 'Container', type: 'string', description, required: true, allow_null: false },
];
