/** XML bodies: elements become keys, repeated elements lists, all values are texts. No DTD, no entities of its own. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { MARKUP_DEPTH_MAX } from '#common/bounds.ts';
import { invalid, MillraceError } from '#common/errors.ts';

/** What the parser makes of an element: its name with its children, in order. */
type XmlNode = { readonly [name: string]: string | readonly XmlNode[] };

const TEXT = '#text';
const CDATA = '#cdata';

const parser = new XMLParser({
  preserveOrder: true,
  textNodeName: TEXT,
  cdataPropName: CDATA,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  ignoreAttributes: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: MARKUP_DEPTH_MAX,
  onDangerousProperty: (name) => name,
});

/**
 * A root element other than `resource` is only a wrapper and left out. An empty element is null; attributes, comments
 * and text between elements are ignored.
 *
 * @throws invalid: not well-formed (with line and column), more than one root, a DOCTYPE, an entity other than the five
 *   of XML itself, nesting beyond MARKUP_DEPTH_MAX
 */
export function parseXml(text: string): unknown {
  const checked = XMLValidator.validate(text);
  if (checked !== true) {
    const { line, col, msg } = checked.err;
    throw invalid(`Malformed XML in line ${line}${col === undefined ? '' : `, column ${col}`}: ${msg}`);
  }
  if (hasDoctype(text)) throw invalid('An XML body must not have a DOCTYPE.');
  const [root, ...more] = parse(text).filter((node) => !isBlank(node));
  // The parser lets go of what stands behind the last element.
  const isOver = text.trimEnd().endsWith('>');
  if (!root || TEXT in root || more.length > 0 || !isOver)
    throw invalid('An XML body must have one root element and nothing beside.');
  const [name, children] = nameAndChildren(root);
  const value = toValue(children);
  return name === 'resource' ? { resource: value } : (value ?? {});
}

function parse(text: string): readonly XmlNode[] {
  try {
    return parser.parse(text) as XmlNode[];
  } catch (cause) {
    const message = 'The XML is nested too deeply or has an element name that is not allowed.';
    throw new MillraceError('invalid', message, undefined, cause);
  }
}

/** It can only stand in front of the root, behind instructions and comments. */
function hasDoctype(text: string): boolean {
  let at = text.indexOf('<');
  while (at >= 0) {
    let end: number;
    if (text.startsWith('<?', at)) end = text.indexOf('?>', at);
    else if (text.startsWith('<!--', at)) end = text.indexOf('-->', at);
    else return text.startsWith('<!', at);
    at = end < 0 ? -1 : text.indexOf('<', end);
  }
  return false;
}

const isBlank = (node: XmlNode): boolean => TEXT in node && (node[TEXT] as string).trim() === '';

function nameAndChildren(node: XmlNode): [name: string, children: readonly XmlNode[]] {
  const [name, children] = Object.entries(node)[0] as [string, readonly XmlNode[]];
  return [name, children];
}

function toValue(children: readonly XmlNode[]): unknown {
  const elements = children.filter((child) => !(TEXT in child || CDATA in child));
  if (elements.length === 0) return toText(children);
  const grouped = new Map<string, unknown[]>();
  for (const element of elements) {
    const [name, inner] = nameAndChildren(element);
    const values = grouped.get(name);
    if (values) values.push(toValue(inner));
    else grouped.set(name, [toValue(inner)]);
  }
  const object: Record<string, unknown> = Object.create(null);
  for (const [name, values] of grouped) object[name] = values.length === 1 ? values[0] : values;
  return object;
}

function toText(children: readonly XmlNode[]): string | null {
  let text = '';
  let isGiven = false;
  for (const child of children) {
    if (CDATA in child) {
      isGiven = true;
      text += (child[CDATA] as readonly XmlNode[]).map((part) => part[TEXT]).join('');
    } else {
      text += decodeEntities(child[TEXT] as string);
    }
  }
  return isGiven || text.trim() !== '' ? text : null;
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#([0-9]{1,7})|#x([0-9a-fA-F]{1,6})|([^;&]*));?/g, (reference, decimal, hex, name) => {
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    const character = name === undefined ? characterOf(code) : ENTITIES.get(name);
    if (character === undefined || !reference.endsWith(';'))
      throw invalid(`The XML has an unknown entity '${reference}'.`);
    return character;
  });
}

/** Undefined for what XML allows nowhere: surrogates, most control characters, numbers beyond Unicode. */
function characterOf(code: number): string | undefined {
  const isControl = code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d;
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  return isControl || isSurrogate || code > 0x10ffff ? undefined : String.fromCodePoint(code);
}
