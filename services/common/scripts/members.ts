/**
 * Members of an event by number, the same in routers, workers and the prelude of every script (prelude/event.js): what a
 * script has looked at, and what it was sent, are masks of these.
 */
export const Member = {
  METHOD: 0,
  URI: 1,
  SERVICE: 2,
  RESOURCE: 3,
  QUERY: 4,
  HEADERS: 5,
  CONTENT_TYPE: 6,
  CONTENT: 7,
  /** Whoever looks at it looks at the content as well. */
  PAYLOAD: 8,
  /** `event.resource`, not that of the request. */
  EVENT_RESOURCE: 9,
  ANSWER_CONTENT: 10,
  ANSWER_TYPE: 11,
  ANSWER_HEADERS: 12,
  ANSWER_STATUS: 13,
  /** `platform.session`, without its lookups: no member of the event, and sent once. */
  SESSION: 14,
  /** Those of `platform.session`. */
  LOOKUPS: 15,
  /** In every mask of what was looked at, so that none of them is 0. */
  TOLD: 16,
} as const;

/** Those that can be left out of an event. */
export const EVENT_MEMBERS = (1 << Member.SESSION) - 1;

export const bitOf = (member: number): number => 1 << member;
