/** Names and texts inside SQL. */

export const quoteIdentifier = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** Whether a backslash is an escape depends on the session: such a text goes as its bytes. */
export function textLiteral(text: string): string {
  if (text.includes('\\')) return `_utf8mb4 x'${Buffer.from(text).toString('hex')}'`;
  return `'${text.replaceAll("'", "''")}'`;
}
