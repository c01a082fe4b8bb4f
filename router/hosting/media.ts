/** What the type of a file means for its sending. */

/** Types that a browser runs: what somebody has uploaded must not act as a page of ours unasked. */
const ACTIVE = /^(?:text\/(?:html|xml|xsl)|application\/(?:xhtml\+xml|xml|.*\+xml)|image\/svg)/i;

/** Not compressed already. */
const COMPRESSIBLE =
  /^(?:text\/|image\/(?:svg|bmp|x-icon|vnd\.microsoft\.icon)|font\/(?:ttf|otf|collection)|application\/(?:json|javascript|xml|wasm|yaml|sql|rtf|x-sh|x-ndjson|vnd\.ms-fontobject|[^;]*\+(?:json|xml|text))(?:;|$))/i;

export const isActive = (type: string): boolean => ACTIVE.test(type);

export const isCompressible = (type: string): boolean => COMPRESSIBLE.test(type);

/** A page: whoever has an old one asks for files that are gone. */
export const isPage = (type: string): boolean => /^(?:text\/html|application\/xhtml\+xml)/i.test(type);
