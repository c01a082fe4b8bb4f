/**
 * Scripts that are in files of a storage: their texts, read when the scripts are bound, and again when the files change.
 * Routers tell of what is written through them; any other change is known of within POLL_MS.
 */
import { SCRIPT_FILE_BYTES_MAX } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError, notFound } from '#common/errors.ts';
import type { FileStoreClient } from '#common/files/client.ts';
import type { FileEntry } from '#common/files/entry.ts';
import type { Logger } from '#common/observe/log.ts';

export type ScriptFiles = Pick<FileStoreClient, 'stat' | 'read'>;

/** Where a script is: in which service, under which path. */
export interface Link {
  readonly service: string;
  readonly path: string;
}

/** A link, and of which version of the record that it stands in: a record that is stored again has its file looked at. */
export interface WantedLink extends Link {
  readonly version: string;
}

/** Of all files, one look after the other, and of those that could not be looked at yet. */
const POLL_MS = 5_000;
const RETRY_MS = 250;
const READ_MS = 5_000;
/** For the first look at a file: nobody else's change is to wait any longer for a storage that does not answer. */
const FIRST_LOOK_MS = 1_000;

interface Linked extends Link {
  /** Of all who want it. */
  versions: string;
  /** The script, or what throws why there is none. */
  text: string;
  /** Of the file as it was read; undefined: nothing was read, or nobody can tell. */
  mark: string | undefined;
  /** There was an answer, be it that there is no such file. */
  isKnown: boolean;
}

export class LinkedScripts {
  readonly #files: ScriptFiles;
  readonly #onChange: () => void;
  readonly #log: Logger;
  readonly #known = new Map<string, Linked>();
  /** By who asked for them. */
  readonly #followed = new Map<string, readonly WantedLink[]>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  /** @param onChange  a text is another one now */
  constructor(files: ScriptFiles, onChange: () => void, log: Logger) {
    this.#files = files;
    this.#onChange = onChange;
    this.#log = log;
  }

  /**
   * From now on these are wanted, and those of before no longer. Resolves when those that are new, or stored again, were
   * looked at, or soon.
   */
  async follow(who: 'events' | 'services', links: readonly WantedLink[]): Promise<void> {
    this.#followed.set(who, links);
    const wanted = this.#wanted();
    for (const key of this.#known.keys()) if (!wanted.has(key)) this.#known.delete(key);
    const deadline = Deadline.after(FIRST_LOOK_MS);
    const looks: Promise<unknown>[] = [];
    for (const [key, link] of wanted) {
      let linked = this.#known.get(key);
      if (linked?.versions === link.versions) continue;
      linked ??= { ...link, text: '', mark: undefined, isKnown: false };
      linked.versions = link.versions;
      this.#known.set(key, linked);
      looks.push(this.#look(linked, deadline));
    }
    await Promise.all(looks);
    if (looks.length > 0) this.#schedule();
  }

  #wanted(): Map<string, Link & { versions: string }> {
    const wanted = new Map<string, Link & { versions: string }>();
    for (const { service, path, version } of [...this.#followed.values()].flat()) {
      const key = keyOf({ service, path });
      wanted.set(key, { service, path, versions: `${wanted.get(key)?.versions ?? ''} ${version}` });
    }
    return wanted;
  }

  /** What is run of one that is followed. */
  textOf(link: Link): string {
    return this.#known.get(keyOf(link))?.text ?? unreadable(link, 'it is not known yet.');
  }

  /** Looks at all files of a service that are followed, as something was written there. */
  async look(service: string): Promise<void> {
    const there = [...this.#known.values()].filter((linked) => linked.service === service);
    const changed = await Promise.all(there.map((linked) => this.#look(linked, Deadline.after(READ_MS))));
    if (changed.some(Boolean)) this.#onChange();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed || this.#known.size === 0) return;
    const isComplete = [...this.#known.values()].every(({ isKnown }) => isKnown);
    this.#timer = setTimeout(
      () => {
        this.#looking = this.#lookAtAll();
      },
      isComplete ? POLL_MS : RETRY_MS,
    );
  }

  async #lookAtAll(): Promise<void> {
    let isChanged = false;
    for (const linked of [...this.#known.values()]) {
      if (this.#isClosed) return;
      isChanged = (await this.#look(linked, Deadline.after(READ_MS))) || isChanged;
    }
    if (isChanged) this.#onChange();
    this.#schedule();
  }

  /** @returns whether the text is another one now */
  async #look(linked: Linked, deadline: Deadline): Promise<boolean> {
    const before = linked.text;
    try {
      const context = { service: linked.service, requestId: 'script' };
      const { entry } = await this.#files.stat(context, linked.path, [], deadline);
      if (!entry || entry.isFolder) throw notFound('there is no such file.');
      const mark = markOf(entry);
      if (linked.isKnown && mark !== undefined && mark === linked.mark) return false;
      linked.text = await this.#textIn(linked, deadline);
      linked.mark = mark;
      linked.isKnown = true;
    } catch (error) {
      this.#fail(linked, MillraceError.from(error));
    }
    return linked.text !== before;
  }

  async #textIn({ service, path }: Linked, deadline: Deadline): Promise<string> {
    const { body } = await this.#files.read({ service, requestId: 'script' }, { path }, deadline);
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of body) {
      bytes += piece.length;
      if (bytes > SCRIPT_FILE_BYTES_MAX) throw invalid(`it is larger than ${SCRIPT_FILE_BYTES_MAX} bytes.`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString();
  }

  /** What was read stays where the storage does not answer; a file that is gone is no script any more. */
  #fail(linked: Linked, error: MillraceError): void {
    const isAnswer = ANSWERS.has(error.code);
    if (linked.isKnown && !isAnswer) {
      this.#log.warn({ file: keyOf(linked), reason: error.message }, 'the file of a script cannot be looked at');
      return;
    }
    linked.text = unreadable(linked, error.message);
    linked.mark = undefined;
    linked.isKnown = isAnswer;
  }
}

/** Of the file, and not of how the storage fares. */
const ANSWERS: ReadonlySet<string> = new Set(['not_found', 'invalid', 'denied', 'contradiction', 'unsupported']);

const keyOf = ({ service, path }: Link): string => `${service}/${path}`;

/** A script that says what is wrong to everybody who needs it: none that is missing may be passed by. */
const unreadable = (link: Link, reason: string): string =>
  `throw new Error(${JSON.stringify(`The file ${keyOf(link)} of this script cannot be read: ${reason}`)});`;

const markOf = ({ etag, modifiedMs, size }: FileEntry): string | undefined =>
  etag ?? (modifiedMs === undefined ? undefined : `${modifiedMs}/${size}`);
