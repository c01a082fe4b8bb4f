/** Names of files in headers, which were made for Latin-1. */
import { invalid } from '#common/errors.ts';

const EXTENDED = /^UTF-8'[^']*'(.*)$/i;

/**
 * UTF-8 as its bytes, as clients send it; else Latin-1; or percent-encoded where it says so (RFC 8187).
 * @throws MillraceError invalid
 */
export function nameInHeader(value: string): string {
  const extended = EXTENDED.exec(value)?.[1];
  try {
    if (extended !== undefined) return decodeURIComponent(extended);
  } catch {
    throw invalid('A name in a header is not properly percent-encoded UTF-8.');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}
