/** A clock that all processes of this machine share. */
import { performance } from 'node:perf_hooks';

/** Milliseconds since 1970, with fractions. */
export const now = (): number => performance.timeOrigin + performance.now();
