/**
 * A program that calls the gateway: so many calls in flight, each followed by the next one. Prints how many were
 * answered in a second, as a number.
 *
 * arguments: batched | unary, address, path with `{}` for a random number, its maximum, in flight, seconds, headers (JSON)
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Deadline } from '#common/deadline.ts';
import { GatewayClient } from '#common/gateway/client.ts';
import { RequestSchema, ResponseSchema } from '#proto/gateway/v1/gateway_pb.ts';
import { Http2Caller } from './http2-caller.ts';

const TIMEOUT_MS = 30_000;

const [way = '', address = '', pattern = '', max = '', inFlight = '', seconds = '', head = '{}'] =
  process.argv.slice(2);
const headers = JSON.parse(head) as Record<string, string>;

interface Caller {
  /** @returns status and body. @throws Error where the call itself failed */
  ask(path: string): Promise<{ readonly status: number; readonly body: Uint8Array }>;
  close(): void;
}

/** As our own programs call it. */
function batched(): Caller {
  const client = new GatewayClient({ addresses: [address] });
  return {
    ask: (path) => client.call({ path, headers }, Deadline.after(TIMEOUT_MS)),
    close: () => client.close(),
  };
}

function unary(): Caller {
  const { hostname, port } = new URL(`http://${address}`);
  const caller = new Http2Caller(hostname, Number(port), '/millrace.gateway.v1.Gateway/Call');
  const encode = (path: string): Uint8Array => toBinary(RequestSchema, create(RequestSchema, { path, headers }));
  return {
    ask: async (path) => fromBinary(ResponseSchema, await caller.call(encode(path))),
    close: () => caller.close(),
  };
}

if (way !== 'batched' && way !== 'unary') throw new Error(`There is no way '${way}'.`);
const caller = { batched, unary }[way]();

let answered = 0;
const begin = performance.now();
const until = begin + Number(seconds) * 1000;

async function callAgainAndAgain({ ask }: Caller): Promise<void> {
  while (performance.now() < until) {
    const path = pattern.replace('{}', String(1 + Math.floor(Math.random() * Number(max))));
    const { status, body } = await ask(path);
    if (status !== 200) throw new Error(`${path} was answered with ${status}: ${Buffer.from(body).toString()}`);
    answered += 1;
  }
}

await Promise.all(Array.from({ length: Number(inFlight) }, () => callAgainAndAgain(caller)));
process.stdout.write(`${answered / ((performance.now() - begin) / 1000)}\n`);
caller.close();
