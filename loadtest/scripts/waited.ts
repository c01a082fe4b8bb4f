/**
 * How long the calls of a neighbour took beside something. A machine that others share is slower for minutes at a time, so
 * each look is held against what such calls took just before it and just behind it, and not against those of another time.
 */
import { median, percentile } from '../statistics.ts';
import type { NeighbourCall } from './neighbours.ts';

/** p99 of one time, and of the times next to it at which there was nobody else; milliseconds. */
export interface Look {
  readonly p99Ms: number;
  readonly aloneMs: number;
}

export interface Waited {
  /** Calls that were answered with an error. */
  readonly failed: number;
  readonly looks: readonly Look[];
}

/** Moments of `now`. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Twice as long is what is allowed; where that is less, this is what the clock of a busy machine cannot tell apart. */
const FACTOR = 2;
const SLACK_MS = 2;

export const allowedMs = (aloneMs: number): number => Math.max(FACTOR * aloneMs, aloneMs + SLACK_MS);

export const p99Of = ({ looks }: Waited): number => median(looks.map(({ p99Ms }) => p99Ms));
/** In multiples of what it was alone. */
export const ratioOf = ({ looks }: Waited): number => median(looks.map(({ p99Ms, aloneMs }) => p99Ms / aloneMs));
/** Above 1: too long. */
export const excessOf = ({ looks }: Waited): number =>
  median(looks.map(({ p99Ms, aloneMs }) => p99Ms / allowedMs(aloneMs)));

/**
 * @param quiet  in the order of time; one that is looked at itself is not held against itself
 * @param between  the calls that were due then
 */
export function waitedIn(
  windows: readonly Window[],
  quiet: readonly Window[],
  between: (window: Window) => readonly NeighbourCall[],
): Waited {
  const p99 = (calls: readonly NeighbourCall[]): number =>
    percentile(
      calls.map(({ ms }) => ms),
      0.99,
    );
  const all = windows.map((window) => ({ calls: between(window), beside: callsBeside(window, quiet, between) }));
  const seen = all.filter(({ calls, beside }) => calls.length > 0 && beside.length > 0);
  return {
    failed: all.flatMap(({ calls }) => calls).filter(({ isGood }) => !isGood).length,
    looks: seen.map(({ calls, beside }) => ({ p99Ms: p99(calls), aloneMs: p99(beside) })),
  };
}

function callsBeside(
  { from, to }: Window,
  quiet: readonly Window[],
  between: (window: Window) => readonly NeighbourCall[],
): NeighbourCall[] {
  const before = quiet.findLast((one) => one.to <= from);
  const behind = quiet.find((one) => one.from >= to);
  return [before, behind].flatMap((one) => (one ? between(one) : []));
}
