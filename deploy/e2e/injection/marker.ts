/** Markers: the words by which what one request carried is found again in a database's log. */

/** Three digits for the place, four for the payload. */
const MARKER = /mk(\d{3})x(\d{4})/gi;

export interface Mark {
  readonly place: number;
  readonly payload: number;
}

export function markerOf({ place, payload }: Mark): string {
  return `mk${String(place).padStart(3, '0')}x${String(payload).padStart(4, '0')}`;
}

export function marksIn(text: string): Mark[] {
  return [...text.matchAll(MARKER)].map(([, place, payload]) => ({ place: Number(place), payload: Number(payload) }));
}
