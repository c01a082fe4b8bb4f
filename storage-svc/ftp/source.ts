/** Files over FTP: one connection does one thing at a time. */
import { randomUUID } from 'node:crypto';
import { Client, FileType } from 'basic-ftp';
import { joinPath, OWN_FOLDER, parentOf } from '#common/files/path.ts';
import type { StoredEntry } from '../backend.ts';
import { CONNECTION_LOST, folderNotEmpty, folderThere, unavailable } from '../failures.ts';
import type { RemoteClient, Span } from '../remote/client.ts';
import { RemoteSource } from '../remote/remote-source.ts';
import type { FtpConfig } from './config.ts';
import { replyOf, translate } from './errors.ts';
import { entryOf, type Facts, readFacts, readOwnFacts, readTime, timeText } from './facts.ts';
import { spanOf } from './span.ts';
import { abandon, beginTransfer, received, sent, type Transfer } from './transfer.ts';

/** Servers let in some ten of one address. */
const CONNECTIONS_MAX = 8;
/** One place is never a reader's. */
const CONNECTIONS_MIN = 2;
/** Of finding a file that is not replaced between the look at it and its sending. */
const ATTEMPTS_MAX = 30;

/** @param trusted  whom to believe certificates of; undefined: those whom Node.js believes */
export const openFtp = (config: FtpConfig, connectionsMax: number, trusted?: Trusted): RemoteSource =>
  new RemoteSource({
    open: () => FtpClient.open(config, trusted),
    connectionsMax: Math.min(Math.max(connectionsMax, CONNECTIONS_MIN), CONNECTIONS_MAX),
    usersMax: 1,
    translate,
    renamesExclusively: false,
    readsByName: true,
  });

export interface Trusted {
  readonly ca: string;
}

class FtpClient implements RemoteClient {
  readonly #client: Client;
  readonly #features: ReadonlyMap<string, string>;
  readonly #isPassive: boolean;
  /** Absolute; empty: the root of the server. */
  readonly #root: string;
  /** A file is in its middle and the connection is of no use to others. */
  #isClosed = false;

  private constructor(client: Client, features: ReadonlyMap<string, string>, root: string, isPassive: boolean) {
    this.#client = client;
    this.#features = features;
    this.#root = root;
    this.#isPassive = isPassive;
  }

  static async open(config: FtpConfig, trusted: Trusted | undefined): Promise<FtpClient> {
    const { host, port, username: user, password, isEncrypted, isPassive, timeoutMs, container } = config;
    const client = new Client(timeoutMs);
    try {
      await client.access({ host, port, user, password, secure: isEncrypted, secureOptions: { ...trusted } });
      const features = new Map([...(await client.features())].map(([name, value]) => [name.toUpperCase(), value]));
      const home = container === '' || container.startsWith('/') ? '' : (await client.pwd()).replace(/\/+$/, '');
      return new FtpClient(client, features, home === '' ? container : `${home}/${container}`, isPassive);
    } catch (error) {
      client.close();
      throw error;
    }
  }

  get failure(): unknown {
    return this.#isClosed || this.#client.closed ? unavailable(CONNECTION_LOST) : undefined;
  }

  close(): void {
    this.#isClosed = true;
    this.#client.close();
  }

  async stat(path: string): Promise<StoredEntry | undefined> {
    if (this.#features.has('MLST')) {
      const answer = await this.#client.send(`MLST ${this.#full(path)}`).catch(ifThere);
      const facts = answer && readOwnFacts(answer.message);
      if (facts?.kind !== 'other') return facts && entryOf(path, facts);
    }
    return this.#statByTrying(path);
  }

  async list(folder: string): Promise<StoredEntry[] | undefined> {
    // Without the name in the command: many servers read patterns and options there.
    if (!(await this.#client.send(`CWD ${this.#full(folder)}`).catch(ifThere))) return undefined;
    const all: StoredEntry[] = [];
    for (const facts of await (this.#features.has('MLST') ? this.#machineList() : this.#humanList())) {
      if (facts.name === '.' || facts.name === '..') continue;
      const path = joinPath(folder, facts.name);
      const entry = facts.kind === 'other' ? await this.#statByTrying(path) : entryOf(path, facts);
      if (entry) all.push(entry);
    }
    return all;
  }

  /**
   * What is sent is what is there when the sending begins, which may be another version than the one that was looked at
   * a moment before: most servers then say another size. One that says the same two times means something else by it.
   */
  async read(path: string, admit: (entry: StoredEntry) => Span): Promise<AsyncIterator<Uint8Array> | undefined> {
    let seen = '';
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const entry = await this.stat(path);
      if (!entry) return undefined;
      const span = admit(entry);
      if (span.from >= span.to) return [][Symbol.iterator]() as unknown as AsyncIterator<Uint8Array>;
      const { transfer, skipped } = await this.#beginReading(path, span.from);
      const size = sizeIn(transfer.announced);
      const before = seen;
      seen = `${entry.size} ${entry.modifiedMs} ${size}`;
      if (size === undefined || size === entry.size || size === entry.size - skipped || seen === before)
        return spanOf(transfer, this.#client, span, skipped);
      await abandon(transfer, this.#client);
    }
    throw unavailable('The file is replaced faster than it can be read.');
  }

  async write(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
    const transfer = await beginTransfer(this.#client, `STOR ${this.#full(path)}`, this.#isPassive);
    try {
      await sent(transfer, body, this.#client);
    } catch (error) {
      // The answer to the half of a file may be that all is well: nobody shall hear it as that to another command.
      await abandon(transfer, this.#client);
      throw error;
    }
  }

  /** Where the server does not replace what is there, it is removed a moment before. */
  async rename(from: string, to: string, isNewOnly: boolean): Promise<void> {
    try {
      await this.#client.rename(this.#full(from), this.#full(to));
    } catch (error) {
      if (isNewOnly || replyOf(error) === undefined || (await this.stat(to))?.isFolder !== false) throw error;
      await this.remove(to);
      await this.#client.rename(this.#full(from), this.#full(to));
    }
  }

  async remove(path: string): Promise<void> {
    await this.#client.send(`DELE ${this.#full(path)}`);
  }

  async removeFolder(path: string): Promise<void> {
    // Servers may remove all that is in it.
    if ((await this.list(path))?.length !== 0) throw folderNotEmpty();
    await this.#client.send(`RMD ${this.#full(path)}`);
  }

  async makeFolder(path: string): Promise<void> {
    if (!path.includes('*')) return void (await this.#client.send(`MKD ${this.#full(path)}`));
    // ProFTPD makes none of such a name, and renames one to it.
    if (await this.stat(path)) throw folderThere(path);
    const made = joinPath(parentOf(path), `${OWN_FOLDER}-${randomUUID()}`);
    await this.#client.send(`MKD ${this.#full(made)}`);
    await this.#client.rename(this.#full(made), this.#full(path)).catch(async (error: unknown) => {
      await this.#client.sendIgnoringError(`RMD ${this.#full(made)}`);
      throw error;
    });
  }

  async touch(path: string, modifiedMs: number): Promise<void> {
    if (this.#features.has('MFMT')) await this.#client.send(`MFMT ${timeText(modifiedMs)} ${this.#full(path)}`);
  }

  /** From a byte on, where the server can. */
  async #beginReading(path: string, from: number): Promise<{ transfer: Transfer; skipped: number }> {
    const begin = (before?: string): Promise<Transfer> =>
      beginTransfer(this.#client, `RETR ${this.#full(path)}`, this.#isPassive, before);
    try {
      const skipped = this.#features.has('REST') ? from : 0;
      return { skipped, transfer: await begin(skipped > 0 ? `REST ${skipped}` : undefined) };
    } catch (error) {
      if (from === 0 || replyOf(error) === undefined) throw error;
      return { skipped: 0, transfer: await begin() };
    }
  }

  #full(path: string): string {
    return path === '' ? this.#root || '/' : `${this.#root}/${path}`;
  }

  /** A folder can be entered, a file has a size. */
  async #statByTrying(path: string): Promise<StoredEntry | undefined> {
    const full = this.#full(path);
    if (await this.#client.send(`CWD ${full}`).catch(ifThere))
      return entryOf(path, { kind: 'folder', size: 0, modifiedMs: undefined });
    const size = await this.#client.send(`SIZE ${full}`).catch(ifThere);
    if (!size) return undefined;
    const time = await this.#client.send(`MDTM ${full}`).catch(ifThere);
    return entryOf(path, {
      kind: 'file',
      size: Number.parseInt(size.message.slice(4), 10),
      modifiedMs: time && readTime(time.message.slice(4)),
    });
  }

  async #machineList(): Promise<Facts[]> {
    const text = await this.#text('MLSD');
    return text.split(/\r?\n/).flatMap((line) => readFacts(line) ?? []);
  }

  /** Its times have no zone and often no seconds: none are better. */
  async #humanList(): Promise<Facts[]> {
    const text = await this.#text('LIST -a').catch((error: unknown) => {
      if (replyOf(error) === undefined) throw error;
      return this.#text('LIST');
    });
    const kinds = { [FileType.File]: 'file', [FileType.Directory]: 'folder' } as Partial<
      Record<FileType, Facts['kind']>
    >;
    return this.#client
      .parseList(text)
      .map(({ name, type, size }) => ({ name, kind: kinds[type] ?? 'other', size, modifiedMs: undefined }));
  }

  async #text(command: string): Promise<string> {
    const pieces: Buffer[] = [];
    const transfer = await beginTransfer(this.#client, command, this.#isPassive);
    for await (const piece of received(transfer, this.#client)) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }
}

/** `Opening BINARY mode data connection for a.txt (12 bytes)`: not all servers say so. */
function sizeIn(announced: string): number | undefined {
  const [, digits] = /\((\d+) bytes\)/.exec(announced) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** "Not available" (550, of listings 450): in the words of many servers whatever the reason is. */
function ifThere(error: unknown): undefined {
  const reply = replyOf(error);
  if (reply !== 550 && reply !== 450 && reply !== 553) throw error;
  if (translate(error).code !== 'not_found' && /permission|denied/i.test(String((error as Error).message))) throw error;
}
