/** Reads what `node --cpu-prof` wrote: which functions the time was spent in. */
import { existsSync, readFileSync } from 'node:fs';

/** The part of the V8 format that is read here; times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Node that was on top at each sample. */
  readonly samples: readonly number[];
  /** Time from the sample before to this one. */
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  readonly place: string;
  readonly selfMs: number;
  /** Of the time in which the process was not idle, from 0 to 1. */
  readonly share: number;
}

const IDLE = '(idle)';

/** Self time by function, the largest first, idle time left out. */
export function selfTimes(profile: CpuProfile): SelfTime[] {
  const placeOf = new Map(profile.nodes.map((node) => [node.id, describePlace(node.callFrame)]));
  const byPlace = new Map<string, number>();
  profile.samples.forEach((node, index) => {
    const place = placeOf.get(node) ?? '(unknown)';
    // A sample stands for the time up to the next one.
    byPlace.set(place, (byPlace.get(place) ?? 0) + (profile.timeDeltas[index + 1] ?? 0));
  });
  byPlace.delete(IDLE);
  const total = [...byPlace.values()].reduce((sum, microseconds) => sum + microseconds, 0);
  return [...byPlace]
    .map(([place, microseconds]) => ({
      place,
      selfMs: microseconds / 1000,
      share: total > 0 ? microseconds / total : 0,
    }))
    .sort((a, b) => b.selfMs - a.selfMs);
}

function describePlace({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName || '(anonymous)';
  if (!url) return name;
  const file = url.split('/node_modules/').at(-1)?.split('/').slice(-3).join('/');
  return `${name} ${file}:${lineNumber + 1}`;
}

const ENTRIES = 15;
/** The others hardly work under load. */
const TIERS = ['router', 'sql', 'storage'];

/** What the tiers have left in a folder at their end. */
export function formatTierProfiles(folder: string): string {
  const present = TIERS.filter((tier) => existsSync(`${folder}/${tier}.cpuprofile`));
  return present.map((tier) => `${formatProfile(tier, `${folder}/${tier}.cpuprofile`, ENTRIES)}\n`).join('\n');
}

export function formatProfile(title: string, file: string, entries: number): string {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const lines = selfTimes(profile)
    .slice(0, entries)
    .map(
      ({ place, selfMs, share }) =>
        `${(share * 100).toFixed(1).padStart(6)} % ${selfMs.toFixed(0).padStart(8)} ms  ${place}`,
    );
  return [`${title}: self time, idle left out`, ...lines].join('\n');
}
