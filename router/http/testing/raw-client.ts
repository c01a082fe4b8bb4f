/** For tests: sends bytes as they are, and reads answers as a client would. */
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Takes whole answers off the front. @param headOnly  answers to HEAD: lengths without bodies */
function readAnswers(text: string, headOnly: boolean): { answers: Answer[]; rest: string } {
  const answers: Answer[] = [];
  for (;;) {
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return { answers, rest: text };
    const [line = '', ...fields] = text.slice(0, end).split('\r\n');
    const headers = Object.fromEntries(
      fields.map((field) => [field.split(':')[0]!.toLowerCase(), field.replace(/^[^:]*:\s*/, '')]),
    );
    const body = headOnly ? { body: '', length: 0 } : readBody(text.slice(end + 4), headers);
    if (!body) return { answers, rest: text };
    const status = Number(line.split(' ')[1]);
    if (status >= 200) answers.push({ status, headers, body: body.body });
    text = text.slice(end + 4 + body.length);
  }
}

function readBody(text: string, headers: Record<string, string>): { body: string; length: number } | undefined {
  if (headers['transfer-encoding'] !== 'chunked') {
    const length = Number(headers['content-length'] ?? 0);
    return text.length < length ? undefined : { body: text.slice(0, length), length };
  }
  let body = '';
  for (let at = 0; ; ) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(text.slice(at, line), 16);
    at = line + 2 + size + 2;
    if (text.length < at) return undefined;
    if (size === 0) return { body, length: at };
    body += text.slice(line + 2, line + 2 + size);
  }
}

export class RawClient {
  readonly socket: Socket;
  readonly #headOnly: boolean;
  /** All that came. */
  received = '';
  #text = '';
  #closed = false;
  #changed = (): void => {};

  constructor(port: number, options: { headOnly?: boolean } = {}) {
    this.#headOnly = options.headOnly ?? false;
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      this.received += text;
      this.#text += text;
      this.#changed();
    });
    this.socket.on('error', () => {}); // a reset: 'close' follows
    this.socket.on('close', () => {
      this.#closed = true;
      this.#changed();
    });
  }

  /** Resolves when the kernel has the bytes. */
  write(text: string): Promise<void> {
    return new Promise((resolve) => this.socket.write(text, 'latin1', () => resolve()));
  }

  /** Waits for so many answers, or fewer where the connection ends before. */
  async answers(count: number): Promise<Answer[]> {
    await this.#until(() => this.#closed || readAnswers(this.#text, this.#headOnly).answers.length >= count);
    const { answers, rest } = readAnswers(this.#text, this.#headOnly);
    this.#text = rest;
    return answers;
  }

  /** Waits until the server ends the connection. */
  ended(): Promise<Answer[]> {
    return this.answers(Number.POSITIVE_INFINITY);
  }

  /** What came and is no whole answer. */
  get rest(): string {
    return this.#text;
  }

  destroy(): void {
    this.socket.destroy();
  }

  #until(done: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = () => done() && resolve();
      this.#changed();
    });
  }
}
