/** An e-mail out of what was sent, a template and the settings of the service (system-api §10.1). */
import { EMAIL_TEXT_LENGTH_MAX } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import { resolveLookups } from '../lookups/resolve.ts';
import type { JsonObject } from '../records/model.ts';
import { type Address, addressesOf, addressOf, headerText } from './addresses.ts';

/** Ready to be sent. Text and names hold no line breaks where a header takes none. */
export interface Message {
  readonly from: Address;
  readonly replyTo: Address | undefined;
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly bcc: readonly Address[];
  readonly subject: string;
  readonly text: string | undefined;
  readonly html: string | undefined;
}

export interface Sources {
  /** Settings of the service: sender, and `parameters` that stand for values. */
  readonly service: JsonObject;
  /** A stored template as its record; undefined: the request says it all. */
  readonly template: JsonObject | undefined;
  readonly request: JsonObject;
  readonly lookups: ReadonlyMap<string, string>;
  /** Where neither of them names a sender. */
  readonly defaultFrom: string;
  /** The values come from people who do not write the e-mail: in HTML they are text. */
  readonly plainValues: boolean;
}

const FIELDS = ['to', 'cc', 'bcc', 'subject', 'body_text', 'body_html'] as const;
const SENDER = ['from_name', 'from_email', 'reply_to_name', 'reply_to_email'] as const;
/** Files are no part of an e-mail here. */
const FILES = ['attachment', 'import_url'];

/** @throws MillraceError invalid that names the field */
export function compose(sources: Sources): Message {
  const { service, template, request } = sources;
  if (Object.keys(request).length === 0 && !template) throw invalid('No valid data in request.');
  const data: JsonObject = {
    ...present(pick(service, SENDER)),
    ...parametersOf(service),
    ...present(pick(template ?? {}, [...FIELDS, ...SENDER])),
    ...defaultsOf(template),
    ...present(request),
  };
  const file = FILES.find((name) => !isEmpty(data[name]));
  if (file) throw invalid(`An e-mail takes no attachment: leave '${file}' out.`, { field: file });
  const to = addressesOf(data['to']);
  if (to.length === 0) throw invalid("An e-mail needs a recipient: 'to' is missing.", { field: 'to' });
  const text = filled(data, 'body_text', sources, false);
  const html = filled(data, 'body_html', sources, true);
  if (text === undefined && html === undefined) {
    throw invalid("An e-mail needs a text: 'body_text' or 'body_html' is missing.", { field: 'body_text' });
  }
  const replyTo = textOf(data, 'reply_to_email');
  return {
    from: addressOf(textOf(data, 'from_name') ?? '', textOf(data, 'from_email') ?? sources.defaultFrom),
    replyTo: replyTo === undefined ? undefined : addressOf(textOf(data, 'reply_to_name') ?? '', replyTo),
    to,
    cc: addressesOf(data['cc']),
    bcc: addressesOf(data['bcc']),
    subject: headerText(filled(data, 'subject', sources, false) ?? ''),
    text,
    html,
  };
}

/** Lookups, and any text beside the fields, by their names in braces. What a value holds is not looked into again. */
function filled(data: JsonObject, field: string, sources: Sources, isHtml: boolean): string | undefined {
  const text = textOf(data, field);
  if (text === undefined) return undefined;
  const variables = Object.entries(data).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' && name !== field ? [[name, value]] : [],
  );
  const shown = (entries: Iterable<readonly [string, string]>, escapes: boolean) =>
    [...entries].map(([name, value]): [string, string] => [name, isHtml && escapes ? escapeHtml(value) : value]);
  const known = new Map([...shown(variables, sources.plainValues), ...shown(sources.lookups, true)]);
  let left = EMAIL_TEXT_LENGTH_MAX - text.length;
  const get = (name: string): string | undefined => {
    const value = known.get(name);
    left -= value?.length ?? 0;
    if (left < 0) throw invalid(`The field '${field}' of an e-mail is too long.`, { field });
    return value;
  };
  return resolveLookups(text, { get }) as string;
}

function textOf(data: JsonObject, field: string): string | undefined {
  const value = data[field];
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw invalid(`The field '${field}' of an e-mail must be a text.`, { field });
  return value;
}

/** `parameters` of the service: rows of {name, value, active}. */
function parametersOf(service: JsonObject): JsonObject {
  const rows = Array.isArray(service['parameters']) ? (service['parameters'] as JsonObject[]) : [];
  const active = rows.filter((row) => typeof row?.['name'] === 'string' && row['active'] !== false);
  return Object.fromEntries(active.map((row) => [row['name'], String(row['value'] ?? '')]));
}

function defaultsOf(template: JsonObject | undefined): JsonObject {
  const defaults = template?.['defaults'];
  return typeof defaults === 'string' ? present(JSON.parse(defaults) as JsonObject) : {};
}

const pick = (object: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(names.map((name) => [name, object[name]]));

const present = (object: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null && value !== undefined));

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === '' || (Array.isArray(value) && value.length === 0);

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
