/** The one door to uWebSockets.js: how it is loaded, and the little of it that the edge uses. */
import { HEAD_BYTES_MAX } from '#common/bounds.ts';

// The parser reads its bound from the environment when the module is loaded, and knows no other way to be told.
process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= String(HEAD_BYTES_MAX);
const module = await import('uWebSockets.js');

export const { App, us_listen_socket_close, us_socket_local_port } = module;
export type { HttpRequest, HttpResponse, us_listen_socket } from 'uWebSockets.js';
