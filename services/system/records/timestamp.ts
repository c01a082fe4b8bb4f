/** As timestamps are stored and read: microseconds, of which we know the first three digits. */
export const timestamp = (date = new Date()): string => date.toISOString().replace('Z', '000Z');
