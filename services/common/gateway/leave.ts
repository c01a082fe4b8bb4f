/** How a router that stops tells the other side of a stream that a call was not begun: it may go elsewhere, whatever it is. */
import { create } from '@bufbuild/protobuf';
import { HeaderSchema, type Response } from '#proto/gateway/v1/gateway_pb.ts';

/** As HTTP says it (RFC 9110 §7.6.1). */
export const LEAVE = create(HeaderSchema, { name: 'Connection', value: 'close' });

export const saysLeave = (response: Response): boolean =>
  response.status === 503 && response.headers.some(({ name, value }) => name === LEAVE.name && value === LEAVE.value);
