/** Names and texts inside SQL. */

export const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A backslash is an escape only in the E form, whatever the server's settings. */
export function textLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}
