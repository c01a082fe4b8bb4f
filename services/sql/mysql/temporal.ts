/** Moments as ISO 8601 writes them, in the only spelling that the servers take: the session's clock is UTC. */

const WITH_ZONE = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?\s*(?:Z|([+-])(\d\d):?(\d\d)?)$/i;

/** For a column of this type; undefined: as it is. */
export function spellingOf(nativeType: string): ((value: string) => string) | undefined {
  if (nativeType === 'date') return dateText;
  return nativeType === 'datetime' || nativeType === 'timestamp' ? temporalText : undefined;
}

/** The day as it is written, wherever it was. */
const dateText = (value: string): string => (WITH_ZONE.test(value.trim()) ? value.trim().slice(0, 10) : value);

/** Anything else is left as it is. */
function temporalText(value: string): string {
  const parts = WITH_ZONE.exec(value.trim());
  if (!parts) return value;
  const [, year, month, day, hours, minutes, seconds = '0', fraction = '', sign, zoneHours = '0', zoneMinutes = '0'] =
    parts;
  const date = Date.UTC(Number(year), Number(month) - 1, Number(day));
  // A day that there is not is the server's to refuse.
  if (!new Date(date).toISOString().startsWith(`${year}-${month}-${day}`)) return value;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return value;
  const offset = (Number(zoneHours) * 60 + Number(zoneMinutes)) * (sign === '-' ? -1 : 1);
  const inDay = (Number(hours) * 60 + Number(minutes) - offset) * 60 + Number(seconds);
  return new Date(date + inDay * 1000).toISOString().slice(0, 19).replace('T', ' ') + fraction;
}
