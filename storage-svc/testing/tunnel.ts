/** A proxy for tests that tunnels by CONNECT, and keeps where to. */
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface Tunnel {
  readonly address: string;
  readonly targets: string[];
  stop(): Promise<void>;
}

export async function startTunnel(): Promise<Tunnel> {
  const targets: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on('connect', ({ url = '' }, incoming: Socket, head) => {
    targets.push(url);
    const [host, port] = url.split(':');
    const outgoing = connect(Number(port), host, () => {
      incoming.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      outgoing.write(head);
      incoming.pipe(outgoing).pipe(incoming);
    });
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
