/** Names and texts inside SQL. */
import { invalid } from '#common/errors.ts';

/** What the server keeps of a name, in bytes; what is longer it cuts without a word. */
const NAME_BYTES_MAX = 63;

export const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A name that is to be made. @throws MillraceError invalid for one that the server would cut */
export function quoteNewIdentifier(name: string): string {
  const bytes = Buffer.byteLength(name);
  if (bytes <= NAME_BYTES_MAX) return quoteIdentifier(name);
  throw invalid(`The name '${name}' is too long for the database: ${bytes} bytes, and it takes ${NAME_BYTES_MAX}.`, {
    name,
  });
}

/** A backslash is an escape only in the E form, whatever the server's settings. */
export function textLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}
