/** The paths of a file service: its root, a folder, a file (files-and-scripting-api §8). */
import { answers, content, count, flag, listOf, object, operation, text } from './components.ts';
import {
  at,
  type Components,
  type Json,
  type Operation,
  type Part,
  type PathEntry,
  type Placeholder,
  ref,
} from './document.ts';
import { isWanted } from './resources.ts';
import type { Subject } from './subject.ts';

const FOLDER: Placeholder = {
  name: 'folder_path',
  description: 'Path of a folder; slashes stay slashes.',
  spans: true,
};
const FILE: Placeholder = { name: 'file_path', description: 'Path of a file; slashes stay slashes.', spans: true };

const parameter = (where: 'query' | 'header', name: string, { description, ...schema }: Json): Json => ({
  ...{ name, in: where, description },
  schema,
});
const flags = (described: Readonly<Record<string, string>>): Json[] =>
  Object.entries(described).map(([name, description]) => parameter('query', name, flag(description)));

const LISTING = [
  ...flags({
    include_files: 'With files; yes unless it says no.',
    include_folders: 'With folders; yes unless it says no.',
    full_tree: 'All that is below, not only what is in it.',
    include_properties: 'Properties of the folder itself.',
    zip: 'The folder as a zip.',
  }),
  parameter('query', 'search', text('Only those whose name holds this.')),
];
const READING = [
  ...flags({
    download: 'As a file to keep.',
    include_properties: 'Properties as JSON in the place of the content.',
    content: 'With the properties, the content of a small file.',
    is_base64: 'That content in base64; yes unless it says no.',
    signed_url: 'With the properties, an address that is good without a key.',
  }),
  parameter('query', 'expires_in', count('Seconds for which that address is good.')),
  parameter('header', 'Range', text('Parts of it.')),
];
const WRITING = [
  ...flags({
    extract: 'What is in a zip, in the place of the zip.',
    clean: 'What is in the folder leaves first; with extract.',
    check_exist: 'Refuse where a file is there already.',
  }),
  parameter('query', 'url', text('An address from which the file is fetched.')),
];
const NAMING = [
  parameter('header', 'X-File-Name', text('The body is a file of this name.')),
  parameter('header', 'X-Folder-Name', text('A folder of this name is made.')),
];
const REMOVING = flags({ force: 'Also where something is in it.', content_only: 'The folder itself stays.' });

const BINARY: Json = { type: 'string', format: 'binary' };
const FORM: Json = { schema: object({ files: listOf(BINARY, 'Files.') }) };
const CONTENT: Json = { content: { '*/*': { schema: BINARY }, 'multipart/form-data': FORM } };
const ITEMS: Json = {
  content: { ...content(ref('schemas', 'FolderRequest')), '*/*': { schema: BINARY }, 'multipart/form-data': FORM },
};

const ENTRY: Readonly<Record<string, Json>> = {
  path: text('From the root; of a folder with a slash at its end.'),
  name: text('From the folder that is listed.'),
  last_modified: text('When its content was changed.'),
  content_type: text('Of a file.'),
  content_length: count('Bytes of a file.'),
  type: { type: 'string', enum: ['file', 'folder'] },
};

const COMPONENTS: Components = {
  responses: {
    ...answers({
      FolderResponse: 'What is in the folder.',
      ResourceResponse: ['What became of each.', 'FolderResponse'],
      SingleResourceResponse: ['What was made or removed.', 'NewFile'],
      NewFileResponse: ['The file.', 'NewFile'],
    }),
    FileResponse: {
      description: 'The content.',
      content: { '*/*': { schema: BINARY }, ...content(ref('schemas', 'File')) },
    },
  },
  schemas: {
    Folder: object(ENTRY),
    File: object({ ...ENTRY, content: text('The content, where it is wanted.') }),
    NewFile: object({ name: ENTRY['name'], path: ENTRY['path'], type: ENTRY['type'] }),
    FolderResponse: object({ resource: listOf(ref('schemas', 'Folder'), 'Files and folders.') }),
    FolderRequest: object({
      resource: listOf(
        object({
          name: text('In the folder of the address.'),
          path: text('From the root; of what is removed.'),
          type: ENTRY['type'],
          content: text('Of a file.'),
          is_base64: flag('The content is in base64.'),
          source_path: text('What is copied.'),
          delete_source: flag('Moved, not copied.'),
        }),
        'Files and folders.',
      ),
    }),
  },
};

export async function describeFiles({ word, wants }: Subject): Promise<Part> {
  const folderOf = (name: string, ids: Readonly<Record<'get' | 'post' | 'patch' | 'delete', string>>) => ({
    get: operation(ids.get, `List ${name}.`, 'FolderResponse', {
      options: ['as_list', 'as_access_list', 'fields', 'id_field'],
      parameters: LISTING,
    }),
    post: operation(ids.post, `Make ${name}, or files and folders in it.`, 'ResourceResponse', {
      ...{ parameters: [...WRITING, ...NAMING], body: ITEMS, status: 201, tunnels: true },
    }),
    patch: operation(ids.patch, `Describe ${name}.`, 'Success'),
    delete: operation(ids.delete, `Remove ${name}, or files and folders in it.`, 'ResourceResponse', {
      ...{ parameters: REMOVING, body: { content: content(ref('schemas', 'FolderRequest')) } },
    }),
  });
  const written = (id: string, summary: string): Operation =>
    operation(id, summary, 'NewFileResponse', { parameters: WRITING, body: CONTENT, status: 201 });
  const entries: PathEntry[] = [
    at(
      [],
      folderOf('the root', {
        ...{ get: `get${word}Resources`, post: `create${word}Content` },
        ...{ patch: `update${word}ContainerProperties`, delete: `delete${word}Content` },
      }),
    ),
    {
      ...at(
        [FOLDER],
        folderOf('a folder', {
          ...{ get: `get${word}Folder`, post: `create${word}Folder` },
          ...{ patch: `update${word}FolderProperties`, delete: `delete${word}Folder` },
        }),
      ),
      path: `/{${FOLDER.name}}/`,
    },
    at([FILE], {
      get: operation(`get${word}File`, 'Read a file.', 'FileResponse', { parameters: READING }),
      post: written(`create${word}File`, 'Write a file.'),
      put: written(`replace${word}File`, 'Write a file.'),
      patch: operation(`update${word}FileProperties`, 'Describe a file.', 'Success'),
      delete: operation(`delete${word}File`, 'Remove a file.', 'SingleResourceResponse'),
    }),
  ];
  return { entries: entries.filter(({ path }) => isWanted(wants, path)), components: COMPONENTS };
}
