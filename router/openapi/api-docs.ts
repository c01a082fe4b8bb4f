/** The paths of the documents themselves. */
import { answers, object, operation, text } from './components.ts';
import { at, type Part } from './document.ts';
import type { Subject } from './subject.ts';

const SERVICE = { name: 'service_name', description: 'Name of the service.' };
const OPTIONS = ['openapi', 'expand_schema', 'refresh', 'file'] as const;

export async function describeApiDocs({ word }: Subject): Promise<Part> {
  return {
    entries: [
      at([], {
        get: operation(`get${word}`, 'The document of all services.', 'ApiDocsResponse', {
          options: [...OPTIONS, 'as_list'],
        }),
      }),
      at([SERVICE], {
        get: operation(`get${word}Service`, 'The document of one service.', 'ApiDocsResponse', { options: OPTIONS }),
      }),
    ],
    components: {
      responses: answers({ ApiDocsResponse: 'An OpenAPI document.' }),
      schemas: {
        ApiDocsResponse: object({ openapi: text('Version of OpenAPI.') }, { additionalProperties: true }),
      },
    },
  };
}
