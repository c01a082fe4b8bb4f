/** What servers say of a file or folder in the form that machines read (RFC 3659 §7): `type=file;size=5;… name`. */
import type { StoredEntry } from '../backend.ts';

export interface Facts {
  readonly name: string;
  /** `other`: a link, a device, what the server does not tell. */
  readonly kind: 'file' | 'folder' | 'other';
  readonly size: number;
  readonly modifiedMs: number | undefined;
}

/** @returns undefined for what is no such line, and for the folder itself and the one above it */
export function readFacts(line: string): Facts | undefined {
  const [, text, name] = /^ ?([^ ]*;) (.+)$/s.exec(line) ?? [];
  if (text === undefined || name === undefined) return undefined;
  const facts = new Map(
    text.split(';').map((fact): [string, string] => {
      const at = fact.indexOf('=');
      return [fact.slice(0, at).toLowerCase(), fact.slice(at + 1)];
    }),
  );
  const type = facts.get('type')?.toLowerCase();
  if (type === 'cdir' || type === 'pdir') return undefined;
  const kind = type === 'file' ? 'file' : type === 'dir' ? 'folder' : 'other';
  return { name, kind, size: Number(facts.get('size') ?? 0), modifiedMs: readTime(facts.get('modify') ?? '') };
}

/** Of `MLST`: of the thing itself, whose name is then the whole path, or that of a folder `cdir`. */
export function readOwnFacts(answer: string): Omit<Facts, 'name'> | undefined {
  for (const line of answer.split(/\r?\n/)) {
    const facts = readFacts(line.replace(/type=[cp]dir;/i, 'type=dir;'));
    if (facts) return facts;
  }
  return undefined;
}

/** `20240102030405`, perhaps with parts of a second, in UTC. */
export function readTime(text: string): number | undefined {
  const [, year, month, day, hour, minute, second, fraction = ''] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?$/.exec(text.trim()) ?? [];
  if (year === undefined) return undefined;
  const seconds = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  return seconds + Math.round(Number(fraction || 0) * 1000);
}

/** The same, to the second. */
export const timeText = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace(/\D/g, '').slice(0, 14);

/** Versions are told apart by what all servers know. */
export function entryOf(path: string, { kind, size, modifiedMs }: Omit<Facts, 'name'>): StoredEntry | undefined {
  if (kind === 'other') return undefined;
  if (kind === 'folder') return { path, isFolder: true, size: 0, modifiedMs, contentType: undefined, etag: undefined };
  const etag = modifiedMs === undefined ? undefined : `${size.toString(36)}-${modifiedMs.toString(36)}`;
  return { path, isFolder: false, size, modifiedMs, contentType: undefined, etag };
}
