/** Bodies with files (multipart/form-data, RFC 7578): the texts and the files of a form. */
import { invalid } from '#common/errors.ts';
import { decodeUtf8 } from '#common/json.ts';

export interface PartHead {
  readonly name: string;
  /** Only of a file; never a path of ours. */
  readonly filename: string | undefined;
  readonly contentType: string | undefined;
}

export interface FormPart extends PartHead {
  /** A view of the body. */
  readonly content: Uint8Array;
}

/** A form has a handful: more is an attempt to keep us busy. */
const PARTS_MAX = 100;
const BOUNDARY = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i;
const HEAD_END = Buffer.from('\r\n\r\n');

export const isMultipart = (contentType: string | undefined): boolean =>
  contentType?.toLowerCase().startsWith('multipart/') ?? false;

/** @throws MillraceError invalid */
export function boundaryOf(contentType: string): string {
  const found = BOUNDARY.exec(contentType);
  const boundary = found?.[1] ?? found?.[2];
  if (boundary === undefined) throw malformed('its Content-Type names no boundary');
  return boundary;
}

/** @throws MillraceError invalid for a body that is not as its content type says */
export function parseMultipart(contentType: string, bytes: Uint8Array): FormPart[] {
  // The first boundary stands at the very beginning, the others behind a line end.
  const body = Buffer.concat([Buffer.from('\r\n'), bytes]);
  const delimiter = Buffer.from(`\r\n--${boundaryOf(contentType)}`);
  const parts: FormPart[] = [];
  let at = body.indexOf(delimiter);
  while (at >= 0) {
    const start = at + delimiter.length;
    if (body.toString('latin1', start, start + 2) === '--') return parts;
    const end = body.indexOf(delimiter, start);
    if (end < 0) break;
    if (parts.length >= PARTS_MAX) throw malformed(`it has more than ${PARTS_MAX} parts`);
    parts.push(partOf(body.subarray(start, end)));
    at = end;
  }
  throw malformed('its last boundary is missing');
}

/** @param text of one part, from the end of its boundary's line */
function partOf(text: Buffer): FormPart {
  const end = text.indexOf(HEAD_END);
  if (end < 0) throw malformed('a part has no end of its headers');
  return { ...partHeadOf(text.subarray(0, end)), content: text.subarray(end + HEAD_END.length) };
}

/** @param head  of one part, without the line ends behind it. @throws MillraceError invalid */
export function partHeadOf(head: Uint8Array): PartHead {
  const text = decodeUtf8(head);
  const disposition = /^content-disposition:\s*form-data\s*(;.*)$/im.exec(text)?.[1];
  const name = disposition && parameter(disposition, 'name');
  if (name === undefined || disposition === undefined) throw malformed('a part has no name');
  const contentType = /^content-type:\s*(.*?)\s*$/im.exec(text)?.[1];
  return { name, filename: parameter(disposition, 'filename'), contentType };
}

const parameter = (disposition: string, name: string): string | undefined =>
  new RegExp(`;\\s*${name}="([^"\\r\\n]*)"`, 'i').exec(disposition)?.[1];

const malformed = (why: string) => invalid(`The multipart body cannot be read: ${why}.`);
