/** In front of a server, at a port that comes and goes. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Gate {
  readonly #to: { readonly host: string; readonly port: number };
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(to: { readonly host: string; readonly port: number }) {
    this.#to = to;
  }

  async listen(port = 0): Promise<number> {
    const server = createServer((near) => {
      const far = connect(this.#to.port, this.#to.host);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return (server.address() as { port: number }).port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    await new Promise<void>((resolve) => (this.#server ? this.#server.close(() => resolve()) : resolve()));
  }
}
