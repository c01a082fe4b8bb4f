/** How bytes come in from a socket that a server accepted: into one buffer of ours, not into a new one for each read. */
import { Socket } from 'node:net';
import { ANSWER_BUFFERED_BYTES_MAX, READ_BUFFER_BYTES } from '#common/bounds.ts';

/** Of all connections: what is in it is used or copied before the next read. */
const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

/**
 * Node makes 64 KiB for each read, and collecting them costs a router more than parsing does. It knows a way out, the
 * `onread` of a socket, but offers it for connections going out alone. So the accepted socket gives its handle to a
 * socket of ours; where it has none of that kind, its `data` events do the same, slower.
 *
 * @param accepted  from a server with `pauseOnConnect`
 * @param receive  given what came; it is overwritten when that returns
 */
export function open(accepted: Socket, receive: (data: Buffer) => void): Socket {
  const holder = accepted as unknown as { _handle?: object | null };
  const handle = holder._handle;
  if (!handle) {
    accepted.on('data', receive);
    accepted.resume();
    return accepted;
  }
  holder._handle = null;
  accepted.destroy(); // the server forgets it; the connection lives on
  const callback = (bytes: number): boolean => {
    receive(buffer.subarray(0, bytes));
    return true;
  };
  const onread = { buffer, callback };
  const options: object = { handle, onread, writableHighWaterMark: ANSWER_BUFFERED_BYTES_MAX };
  return new Socket(options);
}
