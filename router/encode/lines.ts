/** Answers as lines of JSON, one for each record. Metadata has no place in them. */
import { stringifyJson } from '#common/json.ts';

/** What `resource` holds, or else the value itself. */
export function toLines(value: unknown): string {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const content = isObject && 'resource' in value ? value.resource : value;
  return (Array.isArray(content) ? content : [content]).map((item) => `${stringifyJson(item)}\n`).join('');
}
