/** Parts of a file (RFC 9110 §14). */
import { FILE_RANGES_MAX } from '#common/bounds.ts';
import { StatusError } from '../encode/status-error.ts';

export interface Part {
  readonly offset: number;
  /** At least 1. */
  readonly length: number;
}

const UNIT = /^bytes=(.*)$/i;
const SPEC = /^(\d*)-(\d*)$/;

/**
 * @returns undefined: all of it, as what is no range of bytes says nothing
 * @throws StatusError 416: none of them is in the file, or they are too many
 */
export function partsOf(header: string | undefined, size: number): readonly Part[] | undefined {
  const specs = UNIT.exec(header?.trim() ?? '')?.[1]
    ?.split(',')
    .map((spec) => spec.trim());
  if (!specs) return undefined;
  const parts: Part[] = [];
  for (const spec of specs.filter((each) => each !== '')) {
    const [, first = '', last = ''] = SPEC.exec(spec) ?? [];
    if (first === '' && last === '') return undefined;
    if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
    const offset = first === '' ? Math.max(0, size - Number(last)) : Number(first);
    const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
    if (offset < end) parts.push({ offset, length: end - offset });
  }
  if (parts.length > FILE_RANGES_MAX) throw unsatisfiable(size, `At most ${FILE_RANGES_MAX} ranges are sent at once.`);
  if (parts.length === 0) throw unsatisfiable(size, `None of the ranges is in the file, which has ${size} bytes.`);
  // Whoever asks for more than all gets all, once.
  return parts.reduce((sum, { length }) => sum + length, 0) > size ? undefined : parts;
}

export const contentRange = ({ offset, length }: Part, size: number): string =>
  `bytes ${offset}-${offset + length - 1}/${size}`;

/** One part of several, up to its first byte. */
export function partHead(part: Part, size: number, type: string, boundary: string): Buffer {
  const head = `\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange(part, size)}\r\n\r\n`;
  return Buffer.from(head, 'latin1');
}

export const partsEnd = (boundary: string): Buffer => Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1');

const unsatisfiable = (size: number, message: string): StatusError =>
  new StatusError(416, 'invalid', message, [['Content-Range', `bytes */${size}`]]);
