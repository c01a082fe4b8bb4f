/** Names and texts inside SQL. */

export const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export const textLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`;
