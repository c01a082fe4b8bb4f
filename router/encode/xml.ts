/** Answers as XML: keys become elements, the items of a list repeat the element of its key. */
import { JsonNumber } from '#common/json.ts';

const ROOT = 'dfapi';
const LIST_ITEM = 'resource';

/**
 * Tab indented; booleans are true and false, null and empty values an empty element. A list without a key, and with it
 * a list in a list, has its items under the name of what is around it; at the top they are `resource`.
 *
 * @see system-api.md §1.7
 */
export function toXml(value: unknown): string {
  const content = Array.isArray(value) ? { [LIST_ITEM]: value } : value;
  return `<?xml version="1.0" ?>${element(ROOT, content, '')}`;
}

function element(name: string, value: unknown, indent: string): string {
  if (Array.isArray(value) && value.length > 0) return value.map((item) => element(name, item, indent)).join('');
  if (typeof value !== 'object' || value === null || value instanceof JsonNumber) {
    return `${indent}<${name}>${escapeXml(textOf(value))}</${name}>\n`;
  }
  const children = Object.entries(value);
  if (children.length === 0) return `${indent}<${name}></${name}>\n`;
  const inner = children.map(([key, child]) => element(elementName(key), child, `${indent}\t`)).join('');
  return `${indent}<${name}>\n${inner}${indent}</${name}>\n`;
}

const textOf = (value: unknown): string => (value === null || value === undefined ? '' : String(value));

/** A key is data; what no element may be called gets underscores for the characters that are in the way. */
function elementName(key: string): string {
  const name = key.replace(/[^\p{L}\p{N}_.-]/gu, '_');
  return /^[\p{L}_]/u.test(name) ? name : `_${name}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#039;',
  '\r': '&#13;',
};

/** XML 1.0 has no way to write most control characters: they become the replacement character. */
function escapeXml(text: string): string {
  return text
    .replace(/[&<>"'\r]/g, (character) => ESCAPES[character]!)
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd');
}
