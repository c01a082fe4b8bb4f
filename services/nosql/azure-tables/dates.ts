/** Moments of Azure Tables, which count in ten millionths of a second: more than a Date holds. */

const FORM = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,7})0*)?(Z|[+-]\d\d:?\d\d)?)?$/i;
const YEAR_MIN = 1601;

/**
 * The one spelling by which moments compare as texts do: UTC, seven digits behind the second. A text without a zone is
 * UTC, one without a time midnight.
 * @returns undefined for what is no date, or one that the store does not hold
 */
export function canonicalDate(text: string): string | undefined {
  const [, day, time = '00:00', seconds = ':00', fraction = '', zone = 'Z'] = FORM.exec(text.trim()) ?? [];
  if (day === undefined) return undefined;
  const wall = new Date(`${day}T${time}${seconds}Z`);
  // The 30th of February would become the 1st of March.
  if (Number.isNaN(wall.getTime()) || wall.toISOString().slice(0, 10) !== day) return undefined;
  const moment = new Date(wall.getTime() - offsetMs(zone));
  const year = moment.getUTCFullYear();
  if (year < YEAR_MIN || year > 9999) return undefined;
  return `${moment.toISOString().slice(0, 19)}.${fraction.padEnd(7, '0')}Z`;
}

function offsetMs(zone: string): number {
  if (/^z$/i.test(zone)) return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith('-') ? -1 : 1) * minutes * 60_000;
}
