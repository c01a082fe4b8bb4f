/** A door in front of a server, so that a test can shut it: the server seems down, or silent, and later back. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Gate {
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  constructor(target: number) {
    this.#target = target;
  }

  get port(): number {
    return this.#port;
  }

  /** On the same port each time. */
  async open(): Promise<void> {
    const server = createServer((client) => {
      const behind = connect(this.#target, '127.0.0.1');
      for (const [from, to] of [
        [client, behind],
        [behind, client],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => {});
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    const address = server.address();
    this.#port = typeof address === 'object' && address ? address.port : 0;
    this.#server = server;
  }

  /** Connections end, new ones are refused. */
  async shut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Nothing passes any more, and nobody is told. */
  freeze(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  /** The connections that there are end when something is written to them, and nobody is told before. */
  wither(): void {
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.once('data', () => socket.resetAndDestroy()).resume();
    }
  }
}
