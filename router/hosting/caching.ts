/** For how long browsers may keep a file without asking for it again. */
import { nameOf } from '#common/files/path.ts';
import { isPage } from './media.ts';

const YEAR_SECONDS = 31_536_000;
/** What bundlers write: never the photographs and documents of people. */
const ASSET = /\.(?:m?js|css|map|woff2?|ttf|otf|eot|png|jpe?g|gif|webp|avif|svg|ico|wasm|mp4|webm|json|txt)$/i;
/** A dot or dash, and what stands behind it up to the next dot. */
const LAST_PARTS = /[.-](?=([A-Za-z0-9_-]{8,64})\.)/g;
const HEX = /^[0-9a-f]+$/;
/** Of esbuild and Angular. */
const BASE_32 = /^[A-Z2-7]+$/;
/** As they, and Rollup and Vite in base 64, write a hash. */
const SHORT_LENGTH = 8;

export function cachingOf(path: string, type: string, seconds: number, immutableAssets: boolean): string {
  if (isPage(type)) return 'no-cache';
  if (immutableAssets && hasHash(nameOf(path))) return `public, max-age=${YEAR_SECONDS}, immutable`;
  return seconds > 0 ? `public, max-age=${seconds}` : 'no-cache';
}

/** `index-BX3nTz9k.js`, `main.0a1b2c3d.css`: another content has another name. Words and dates are none. */
export function hasHash(name: string): boolean {
  return ASSET.test(name) && [...name.matchAll(LAST_PARTS)].some(([, part = '']) => isHash(part));
}

function isHash(part: string): boolean {
  const hasDigit = /[0-9]/.test(part);
  if (HEX.test(part)) return hasDigit && /[a-f]/.test(part);
  if (part.length !== SHORT_LENGTH) return false;
  if (BASE_32.test(part)) return /[A-Z]/.test(part);
  // One capital in front makes a name, only digits a date.
  const isMixed = /[a-z]/.test(part) && /[A-Z]/.test(part.slice(1));
  return isMixed || (hasDigit && /[A-Z]/.test(part));
}
