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
  { name: 'container', label: 'Container', type: 'string', description, required: true, allow_null: false },
];
