/**
 * One connection to PostgreSQL. `pg` opens it (TLS, SCRAM, all of that); from then on the extended query protocol is
 * spoken here: prepared statements, many executions in one packet, rows straight to JSON bytes.
 */
import type { Socket } from 'node:net';
import pg from 'pg';
import { EXPORT_CHUNK_BYTES } from '#common/bounds.ts';
import { ANSWER_BYTES_MAX, answerTooLarge } from '../encode/answer-size.ts';
import { JsonWriter, type RowFormat } from '../encode/json-writer.ts';
import type { Rows } from '../statement.ts';
import { affectedRows, MessageReader, readErrorFields } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';
import { type PgStatement, PreparedStatements } from './prepared.ts';

/** The server dropped a prepared statement, or its table changed so that it gives other columns. */
const STALE = new Set(['26000', '0A000']);

/** Of the rows of a portal, about so much is handed over at once. */
const PORTION_BYTES = 4 * EXPORT_CHUNK_BYTES;
/** How long a request to stop a statement may take. */
const CANCEL_MS = 2000;

/** What the server said when it refused something. */
export class ServerError extends Error {
  readonly fields: Readonly<Record<string, string>>;
  constructor(fields: Record<string, string>) {
    super(fields['M'] ?? 'The server reported an error.');
    this.fields = fields;
  }
  get sqlState(): string {
    return this.fields['C'] ?? '';
  }
}

/** Statements between two Syncs: outside of BEGIN they are one transaction. */
export interface SegmentResult {
  /** Of the statements that completed, in order. */
  readonly rows: readonly Rows[];
  /** Why the next one did not. */
  readonly error: ServerError | undefined;
  /** It did not because its preparation is of no use any more, which is forgotten by now: sent again it may succeed. */
  readonly isStale: boolean;
}

interface PortalEvents {
  /** Enough bytes for a portion, in the middle of the rows that were asked for. */
  part(rows: Rows): void;
  /** All of those, or the last ones of all. */
  suspended(rows: Rows, last: boolean): void;
}

interface Segment {
  readonly statements: readonly PgStatement[];
  readonly formats: readonly RowFormat[];
  readonly rows: Rows[];
  readonly parsed: string[];
  readonly resolve: (result: SegmentResult) => void;
  readonly reject: (error: Error) => void;
  readonly portal: PortalEvents | undefined;
  writer: JsonWriter | undefined;
  error: ServerError | undefined;
  /** Its rows are not kept: there were too many bytes of them. */
  isTooLarge: boolean;
}

export type ConnectionOptions = pg.ClientConfig;

export class PgConnection {
  readonly #client: pg.Client;
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #writer = new MessageWriter();
  readonly #segments: Segment[] = [];
  readonly #prepared = new PreparedStatements(this.#writer);
  #scheduled = false;
  #failure: Error | undefined;
  /** The server said something about the segment that is its turn. */
  #heard = false;
  #unheard = false;

  private constructor(client: pg.Client, options: ConnectionOptions) {
    this.#client = client;
    this.#options = options;
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    this.#socket = stream;
    const reader = new MessageReader((type, buffer, start, end) => this.#message(type, buffer, start, end));
    stream.removeAllListeners('data');
    stream.on('data', (chunk: Buffer) => reader.push(chunk));
    stream.on('error', (error) => this.#fail(error));
    stream.on('close', () => this.#fail(new Error('The connection was closed.')));
    client.on('error', () => {}); // heard on the socket already
  }

  /** @param setup statements that prepare the session */
  static async open(options: ConnectionOptions, setup: readonly string[]): Promise<PgConnection> {
    const client = new pg.Client(options);
    client.on('error', () => {});
    try {
      await client.connect();
      for (const statement of setup) await client.query(statement);
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
    return new PgConnection(client, options);
  }

  /** Why it can be used no more; undefined while it can. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** It was lost while something was under way, of which the server had not said a word. */
  get unheard(): boolean {
    return this.#unheard;
  }

  get busy(): boolean {
    return this.#segments.length > 0;
  }

  /** Sends statements and a Sync. Several calls in one turn leave together. @throws when the connection is lost */
  segment(statements: readonly PgStatement[]): Promise<SegmentResult> {
    if (this.#failure) return Promise.reject(this.#failure);
    const parsed: string[] = [];
    const formats = statements.map((statement) => {
      const prepared = this.#prepared.of(statement, parsed);
      this.#writer.bind(prepared.name, statement.params);
      this.#writer.execute();
      // Sent without waiting for the server to ask for it: where the COPY fails, it skips this with the rest.
      if (statement.input) this.#writer.copy(statement.input);
      return prepared.format;
    });
    this.#writer.sync();
    return this.#enqueue(statements, formats, parsed, undefined);
  }

  /**
   * Runs one statement through a portal, a number of rows at a time, in portions of no more bytes than there must be.
   * @param onRows  gets each portion and says whether more is wanted
   */
  async portal(
    statement: PgStatement,
    rowsMax: number,
    onRows: (rows: Rows) => Promise<boolean>,
  ): Promise<SegmentResult> {
    if (this.#failure) throw this.#failure;
    const parsed: string[] = [];
    const prepared = this.#prepared.of(statement, parsed);
    this.#writer.bind(prepared.name, statement.params, 'p');
    this.#writer.execute('p', rowsMax);
    this.#writer.flush();
    let chain = Promise.resolve();
    let more = true;
    const taken = async (rows: Rows): Promise<void> => {
      more &&= await onRows(rows).catch(() => false);
    };
    // Large rows: what comes after them waits in the kernel, and the server with it.
    const part = (rows: Rows): void => {
      if (!more) return;
      this.#socket.pause();
      chain = chain.then(() => taken(rows)).then(() => void this.#socket.resume());
    };
    const suspended = (rows: Rows, last: boolean): void => {
      chain = chain.then(async () => {
        await taken(rows);
        if (more && !last) {
          this.#writer.execute('p', rowsMax);
          this.#writer.flush();
        } else this.#writer.sync();
        this.#schedule();
      });
    };
    const result = await this.#enqueue([statement], [prepared.format], parsed, { part, suspended });
    await chain;
    return result;
  }

  /** Asks the server to stop what this connection runs; resolves when the server has taken the request. */
  cancel(): Promise<void> {
    const { processID, secretKey } = this.#client as unknown as { processID: number; secretKey: number };
    return new Promise((resolve) => {
      const connection = new pg.Connection({ ssl: this.#options.ssl ?? false } as pg.ConnectionConfig) as unknown as {
        stream: Socket;
        connect(port: number | string, host?: string): void;
        requestSsl(): void;
        cancel(processId: number, secretKey: number): void;
        on(event: string, listener: () => void): void;
      };
      const send = (): void => connection.cancel(processID, secretKey);
      connection.on('connect', () => (this.#options.ssl ? connection.requestSsl() : send()));
      connection.on('sslconnect', send);
      connection.on('error', resolve);
      connection.on('end', resolve);
      connection.stream.setTimeout(CANCEL_MS, () => connection.stream.destroy());
      connection.connect(this.#options.port ?? 5432, this.#options.host);
    });
  }

  close(): void {
    this.#fail(new Error('The connection is closed.'));
    this.#socket.end(Buffer.from([0x58, 0, 0, 0, 4]));
    this.#socket.destroySoon();
  }

  #enqueue(
    statements: readonly PgStatement[],
    formats: readonly RowFormat[],
    parsed: string[],
    portal: PortalEvents | undefined,
  ): Promise<SegmentResult> {
    this.#schedule();
    return new Promise((resolve, reject) => {
      this.#segments.push({
        statements,
        formats,
        rows: [],
        parsed,
        resolve,
        reject,
        portal,
        writer: undefined,
        error: undefined,
        isTooLarge: false,
      });
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (!this.#writer.empty && !this.#failure) this.#socket.write(this.#writer.take());
    });
  }

  #message(type: number, buffer: Buffer, start: number, end: number): void {
    const segment = this.#segments[0];
    switch (type) {
      case 0x44: // DataRow
        if (segment) this.#row(segment, buffer, start, end);
        return;
      case 0x43: // CommandComplete
        if (segment) this.#complete(segment, affectedRows(buffer, start, end));
        return;
      case 0x73: // PortalSuspended
        if (segment) {
          segment.portal?.suspended((this.#writerOf(segment) as JsonWriter).finish(0), false);
          segment.writer = undefined;
        }
        return;
      case 0x45: // ErrorResponse
        if (segment) {
          segment.error ??= new ServerError(readErrorFields(buffer, start, end));
          // After an error the server skips to the Sync that a running portal has not sent yet.
          if (segment.portal) {
            this.#writer.sync();
            this.#schedule();
          }
        }
        return;
      case 0x5a: // ReadyForQuery
        this.#segments.shift();
        this.#heard = false;
        if (segment) this.#ready(segment);
        return;
      case 0x31: // ParseComplete
      case 0x32: // BindComplete
        this.#heard = true;
        return;
      default: // NoData, notices, parameter changes
    }
  }

  #row(segment: Segment, buffer: Buffer, start: number, end: number): void {
    const format = segment.formats[segment.rows.length];
    const writer = this.#writerOf(segment);
    if (!format || !writer || segment.isTooLarge) return;
    if (format.allHidden) writer.appendHidden(buffer, start + 2, buffer.readInt16BE(start));
    else writer.appendRow(buffer, start + 2, end - start);
    if (!segment.portal) segment.isTooLarge = writer.bytes > ANSWER_BYTES_MAX;
    else if (writer.bytes > PORTION_BYTES) {
      segment.portal.part(writer.finish(0));
      segment.writer = undefined;
    }
  }

  #writerOf(segment: Segment): JsonWriter | undefined {
    const format = segment.formats[segment.rows.length];
    if (!segment.writer && format) segment.writer = new JsonWriter(format);
    return segment.writer;
  }

  #complete(segment: Segment, affected: number): void {
    const writer = this.#writerOf(segment);
    segment.writer = undefined;
    if (!writer) return;
    const rows = writer.finish(affected);
    if (segment.portal) {
      // The last portion: nothing more is asked for, the Sync follows.
      segment.portal.suspended(rows, true);
      return;
    }
    segment.rows.push(rows);
  }

  #ready(segment: Segment): void {
    const { error, rows, parsed, statements } = segment;
    // A Parse in a segment that failed may not have happened: parse again next time.
    if (error) for (const text of parsed) this.#prepared.forget(text);
    const text = statements[rows.length]?.text;
    const isStale = error !== undefined && STALE.has(error.sqlState) && text !== undefined && !parsed.includes(text);
    if (isStale) this.#prepared.forget(text);
    if (segment.isTooLarge) return segment.reject(answerTooLarge());
    segment.resolve({ rows, error, isStale });
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#unheard = this.busy && !this.#heard;
    for (const segment of this.#segments.splice(0)) segment.reject(error);
    this.#socket.destroy();
  }
}
