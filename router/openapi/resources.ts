/** Resources of the services `system` and `user` that are no records: each is a part of the document of its own. */
import { answers, listOf, object, operation, text } from './components.ts';
import { at, type Json, type Part, ref, type Segment, wordOf } from './document.ts';
import type { Wants } from './subject.ts';

/** @param word  of the service, for the ids of operations  @param segments  of its path */
export type OwnResource = (word: string, segments: readonly Segment[]) => Part;

/** A resource that is listed by the service. One that nobody has described can at least be read. */
export function ownPart(describe: OwnResource | undefined, word: string, name: string): Part {
  const segments = name.split('/');
  if (describe) return describe(word, segments);
  const unknown = { description: 'What it says.', content: { 'application/json': { schema: {} } } };
  const get = operation(`get${word}${wordOf(name)}`, `Read ${name}.`, unknown);
  return { entries: [at(segments, { get })], components: {} };
}

/** Where only some resources are asked for: is it a path of one of them? */
export const isWanted = ({ only }: Wants, path: string): boolean =>
  only.length === 0 || only.some((name) => path === `/${name}` || path.startsWith(`/${name}/`));

export const resourceNames = (type: string, names: readonly string[]): Json => ({
  'x-dreamfactory-resources': { type, resources: names, count: names.length },
});

/** The list of a service's resources. */
export function rootPart(word: string): Part {
  const get = operation(`get${word}Resources`, 'What this service has.', `${word}sResponse`, {
    options: ['as_list', 'as_access_list', 'include_access', 'fields', 'id_field', 'refresh'],
  });
  return {
    entries: [at([], { get })],
    components: {
      responses: answers({
        [`${word}Response`]: ['A resource.', word],
        [`${word}sResponse`]: ['The resources of this service.', `${word}s`],
      }),
      schemas: {
        [word]: object({ name: text('Name of the resource.') }),
        [`${word}s`]: object({ resource: listOf(ref('schemas', word), 'The resources of this service.') }),
      },
    },
  };
}
